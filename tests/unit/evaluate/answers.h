#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "evaluate/evaluation.h"

namespace flowmark {

/// Instead of a prefix: a whole window.
inline constexpr uint16_t kFull = ExampleInfo::kTile;

/// A model's answer to one window of a flow.
inline Answer answer(uint16_t prefix, std::vector<float> probabilities, bool repeat = false) {
  ExampleInfo info;
  info.prefix = prefix;
  info.repeat = repeat;
  return {info, std::move(probabilities)};
}

}  // namespace flowmark
