#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace flowmark {

/// A logarithmic axis: bin = floor(bins * log(v / min) / log(max / min)), clamped to [0, bins),
/// with edges rounded up to whole numbers (LogBins says how exactly).
struct LogAxis {
  uint32_t bins = 0;
  double min = 0;
  double max = 0;

  friend bool operator==(const LogAxis&, const LogAxis&) = default;
};

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
  /// The axis must have passed Feature::check.
  explicit LogBins(const LogAxis& axis);

  uint32_t bins() const noexcept { return static_cast<uint32_t>(edges_.size()) + 1; }
  /// The bins - 1 edges, ascending; equal ones leave a bin empty.
  const std::vector<uint32_t>& edges() const noexcept { return edges_; }

  uint32_t bin(uint32_t value) const noexcept {
    const Slot& at = slots_[slot(value)];
    uint32_t bin = uint32_t{at.first} + static_cast<uint32_t>(value > at.below_edge);
    if (has_fine_bins_) {
      while (bin < edges_.size() && value >= edges_[bin]) ++bin;
    }
    return bin;
  }

 private:
  static constexpr uint32_t kSlots = 8 + 29 * 8;

  /// Eight slots an octave; values below 16 have their own. No branch: sizes and times of packets
  /// are hard to predict.
  static uint32_t slot(uint32_t value) noexcept {
    const auto shift = static_cast<uint32_t>(std::bit_width(value | 8U)) - 4;
    return 8 * shift + (value >> shift);
  }

  struct Slot {
    uint32_t first = 0;       ///< bin of its smallest value
    uint32_t below_edge = 0;  ///< largest value before the next edge above that
  };

  std::vector<uint32_t> edges_;
  std::array<Slot, kSlots> slots_{};
  bool has_fine_bins_ = false;  ///< some slot has several edges
};

}  // namespace flowmark
