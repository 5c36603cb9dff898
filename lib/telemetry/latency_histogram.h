#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "telemetry/counters.h"

namespace flowmark {

/// A histogram of times in nanoseconds with one writer: sixteen equal buckets an octave (values
/// below 32 have their own), so that what it tells is at most 1/16 too large, from a nanosecond to
/// kLargest (68 s), which stands for everything above. The layout is that of HdrHistogram.
class LatencyHistogram {
 public:
  static constexpr uint64_t kLargest = (uint64_t{1} << 36) - 1;

  void observe(uint64_t ns) noexcept {
    buckets_[index_of(ns)].add();
    sum_.add(ns);
  }
  uint64_t bucket(size_t i) const noexcept { return buckets_[i].get(); }
  uint64_t sum() const noexcept { return sum_.get(); }
  uint64_t count() const noexcept {
    uint64_t all = 0;
    for (const Counter& bucket : buckets_) all += bucket.get();
    return all;
  }
  /// Values below 2^bits, which is one of the bounds between buckets for 4 < bits <= 36.
  uint64_t count_below_power(uint32_t bits) const noexcept {
    uint64_t below = 0;
    for (size_t i = 0; i < size() && upper_bound(i) < (uint64_t{1} << bits); ++i)
      below += bucket(i);
    return below;
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

  static constexpr size_t size() noexcept { return kBuckets; }
  static constexpr size_t index_of(uint64_t ns) noexcept {
    const uint64_t value = std::min(ns, kLargest);
    if (value < 2 * kSteps) return value;
    const auto shift = static_cast<uint32_t>(std::bit_width(value)) - kStepBits - 1;
    return kSteps * shift + (value >> shift);
  }
  /// The largest value of a bucket.
  static constexpr uint64_t upper_bound(size_t i) noexcept {
    if (i < 2 * kSteps) return i;
    const uint64_t shift = i / kSteps - 1;
    return ((i - kSteps * shift + 1) << shift) - 1;
  }

 private:
  static constexpr uint32_t kStepBits = 4;
  static constexpr uint64_t kSteps = 1 << kStepBits;
  static constexpr size_t kBuckets = kSteps * (36 - kStepBits - 1) + 2 * kSteps;

  std::array<Counter, kBuckets> buckets_{};
  Counter sum_;
};

}  // namespace flowmark
