#pragma once

#include <cstdint>

namespace flowmark {

/// What stands in an element of a model's input tensor for the packets that fell into it.
enum class ValueKind : uint8_t {
  count,     ///< how many
  binary,    ///< 1
  fraction,  ///< how many of the window's packets, 0 to 1
  log1p,     ///< ln(1 + how many)
  number,    ///< no count of packets: what the kind says. No specification names it
};
const char* to_string(ValueKind kind) noexcept;

}  // namespace flowmark
