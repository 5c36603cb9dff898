#pragma once

#include <cstdint>

#include "base/time.h"

namespace flowmark {

/// A token bucket (RFC 2697's committed rate and burst, colour blind) in whole numbers: tokens are
/// byte-microseconds, so that no fraction of a byte is lost however close packets come. One thread.
class TokenBucket {
 public:
  /// Rates above this overflow: a Tbit/s.
  static constexpr uint64_t kHighestRate = 125'000'000'000;

  /// What the bucket holds when full: a quarter of a second at `bytes_per_second`, and two frames
  /// of full size, so that slow flows may send these.
  static constexpr uint64_t burst_bytes(uint64_t bytes_per_second) noexcept {
    return bytes_per_second / 4 + 2 * kFullFrame;
  }

  /// Full, from now on filled at this rate.
  void start(uint64_t bytes_per_second, TimeUs now_us) noexcept;
  /// From now on filled at another rate; the change of the burst is added to the tokens or taken.
  void change_rate(uint64_t from, uint64_t to) noexcept;
  /// Takes the packet's tokens after filling up to `now_us`. False, and nothing taken, if there are
  /// too few. `bytes_per_second` is the rate that was set last. A clock that steps back by less
  /// than a second stands still; by more, the bucket goes on from there.
  bool take(uint32_t bytes, uint64_t bytes_per_second, TimeUs now_us) noexcept;

  /// Whole bytes that the bucket lacks for the packet; 0: none.
  uint64_t lacks(uint32_t bytes) const noexcept;

 private:
  static constexpr uint64_t kFullFrame = 1518;

  uint64_t tokens_ = 0;  ///< byte-microseconds
  TimeUs filled_us_ = 0;
};
static_assert(sizeof(TokenBucket) == 16, "one for each flow with a live mark");

}  // namespace flowmark
