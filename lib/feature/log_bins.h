#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "feature/feature_spec.h"

namespace flowmark {

/// A LogAxis made ready for whole numbers: the same bins on every machine and in numpy, since only
/// its edges are computed in floating point and then rounded to whole numbers once. Immutable.
///
///   edge(i) = ceil(min * (max / min)^(i / bins) * (1 - 1e-12)),  0 < i < bins
///   bin(v)  = the number of edges that v has reached (v >= edge)
///
/// The factor keeps edges such as 1 * 1000^(1/3) = 10.000000000000002 at 10. In numpy:
///   edges = np.ceil(lo * (hi / lo) ** (np.arange(1, bins) / bins) * (1 - 1e-12))
///   bin = np.searchsorted(edges, v, side="right")
class LogBins {
 public:
  /// The axis must have passed FeatureSpec::check.
  explicit LogBins(const LogAxis& axis);

  uint32_t bins() const noexcept { return static_cast<uint32_t>(edges_.size()) + 1; }
  /// The bins - 1 edges, ascending; equal ones leave a bin empty.
  const std::vector<uint32_t>& edges() const noexcept { return edges_; }

  uint32_t bin(uint32_t value) const noexcept {
    const uint32_t at = slot(value);
    uint32_t low = first_[at];
    uint32_t high = first_[at + 1];
    while (low < high) {  // as a rule a slot holds one edge at most
      const uint32_t middle = (low + high) / 2;
      if (value >= edges_[middle]) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

 private:
  static constexpr uint32_t kSlots = 8 + 29 * 8;

  /// Eight slots an octave; values below 8 have their own.
  static uint32_t slot(uint32_t value) noexcept {
    if (value < 8) return value;
    const auto shift = static_cast<uint32_t>(std::bit_width(value)) - 4;
    return 8 * shift + (value >> shift);
  }

  std::vector<uint32_t> edges_;
  std::array<uint8_t, kSlots + 1> first_{};  ///< bin of a slot's smallest value
};

}  // namespace flowmark
