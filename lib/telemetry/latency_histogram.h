#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "telemetry/counters.h"

namespace flowmark {
namespace latency {
inline constexpr uint32_t kStepBits = 4;  ///< an octave has 2^4 buckets
inline constexpr uint32_t kLargestBits = 36;
inline constexpr size_t kSteps = size_t{1} << kStepBits;
inline constexpr size_t kBuckets = kSteps * (kLargestBits - kStepBits - 1) + 2 * kSteps;
}  // namespace latency

/// A histogram of times in nanoseconds with one writer. An octave has sixteen equal buckets, and
/// values below 32 have their own, so that what it tells is at most 1/16 too large. It reaches from
/// a nanosecond to kLargest (68 s), which stands for everything above. The layout is that of
/// HdrHistogram.
class LatencyHistogram : public HistogramCells<latency::kBuckets> {
 public:
  static constexpr uint64_t kLargest = (uint64_t{1} << latency::kLargestBits) - 1;

  void observe(uint64_t ns) noexcept { count_in(index_of(ns), ns); }
  /// How many values were observed.
  uint64_t count() const noexcept {
    uint64_t all = 0;
    for (const Counter& bucket : cells().first<size()>()) all += bucket.get();
    return all;
  }
  /// For 4 < bits <= 36: there 2^bits lies between two buckets, and the values of the lower ones
  /// are below it.
  static constexpr HistogramBound bound(size_t bits) noexcept {
    return {index_of((uint64_t{1} << bits) - 1), uint64_t{1} << bits};
  }

  /// The smallest bound that at least the share `q` (0 to 1) of all values does not exceed; 0
  /// without values.
  uint64_t quantile(double q) const noexcept {
    const uint64_t all = count();
    if (all == 0) return 0;
    const auto wanted = static_cast<uint64_t>(std::ceil(q * static_cast<double>(all)));
    uint64_t seen = 0;
    for (size_t i = 0; i < size(); ++i) {
      seen += bucket(i);
      if (seen >= std::max<uint64_t>(wanted, 1)) return upper_bound(i);
    }
    return kLargest;
  }

  /// The bucket of a value.
  static constexpr size_t index_of(uint64_t ns) noexcept {
    const uint64_t value = std::min(ns, kLargest);
    if (value < 2 * latency::kSteps) return value;
    const auto shift = static_cast<uint32_t>(std::bit_width(value)) - latency::kStepBits - 1;
    return latency::kSteps * shift + (value >> shift);
  }
  /// The largest value of a bucket.
  static constexpr uint64_t upper_bound(size_t i) noexcept {
    if (i < 2 * latency::kSteps) return i;
    const uint64_t shift = i / latency::kSteps - 1;
    return ((i - latency::kSteps * shift + 1) << shift) - 1;
  }
};

}  // namespace flowmark
