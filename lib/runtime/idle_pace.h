#pragma once

#include <cstdint>

namespace flowmark {

/// How long a loop that found nothing to do rests: not at all for some rounds, then ever longer to
/// kRestNs, after a tenth of a second of rests kLongRestNs, after a second kLongestRestNs, which is
/// the longest that a packet waits to be found. The first packet starts it over.
class IdlePace {
 public:
  static constexpr uint32_t kRestNs = 100'000;
  static constexpr uint32_t kLongRestNs = 500'000;
  static constexpr uint32_t kLongestRestNs = 1'000'000;

  void busy() noexcept {
    rounds_ = 0;
    rested_ns_ = 0;
  }

  /// Nothing was found: the rest to take now, in nanoseconds; 0: none.
  uint32_t idle() noexcept {
    if (rounds_ < kPatience + kRestNs / kStepNs) ++rounds_;
    if (rounds_ <= kPatience) return 0;
    uint32_t rest = (rounds_ - kPatience) * kStepNs;
    if (rested_ns_ >= kSecondNs / 10) rest = kLongRestNs;
    if (rested_ns_ >= kSecondNs) rest = kLongestRestNs;
    rested_ns_ += rest;
    return rest;
  }

 private:
  static constexpr uint32_t kPatience = 64;
  static constexpr uint32_t kStepNs = 5'000;
  static constexpr uint64_t kSecondNs = 1'000'000'000;

  uint32_t rounds_ = 0;
  uint64_t rested_ns_ = 0;
};

}  // namespace flowmark
