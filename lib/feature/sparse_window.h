#pragma once

#include <cstdint>
#include <vector>

#include "feature/values.h"

namespace flowmark {

/// One non-zero element of a model's input tensor.
struct SparseValue {
  uint32_t index = 0;  ///< row-major place in the tensor; of a picture row * time_bins + column
  float value = 0;

  friend bool operator==(const SparseValue&, const SparseValue&) = default;
};

/// A model's input: the elements that are not zero, in ascending order of index, each once.
using SparseWindow = std::vector<SparseValue>;

/// What stands in the tensor for `count` packets (or bursts) in an element of a window of `packets`
/// packets: the count, 1, count / packets or ln(1 + count).
float feature_value(ValueKind values, uint32_t count, uint32_t packets) noexcept;

/// What an element may come to, with more packets than traffic brings into one window.
float largest_value(ValueKind values) noexcept;

}  // namespace flowmark
