#pragma once

#include <cstdint>
#include <string_view>

#include "base/keyed_random.h"

namespace flowmark {

/// Takes a text into a hash: the same on every machine. Texts that follow each other do not run
/// together.
constexpr uint64_t hash_text(uint64_t hash, std::string_view text) noexcept {
  for (const char letter : text) hash = mix64(hash ^ static_cast<uint8_t>(letter));
  return mix64(hash ^ 0x100);
}

}  // namespace flowmark
