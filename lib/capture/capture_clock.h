#pragma once

#include "base/time.h"

namespace flowmark {

/// The clock of a capture, by the times of its packets. It never runs back: a step back of up to a
/// second (reordering) counts as standing still; a longer one (captures joined in the wrong order)
/// goes on from the time reached.
class CaptureClock {
 public:
  /// The time of the next packet on this clock.
  TimeUs advance(TimeUs capture_time_us) noexcept {
    TimeUs time_us = capture_time_us + shift_us_;
    if (is_started_ && time_us < now_us_) {
      if (now_us_ - time_us > kUsPerSecond) shift_us_ += now_us_ - time_us;
      time_us = now_us_;
    }
    is_started_ = true;
    now_us_ = time_us;
    return time_us;
  }
  /// Of the newest packet; 0 before the first.
  TimeUs now_us() const noexcept { return now_us_; }

 private:
  bool is_started_ = false;
  TimeUs now_us_ = 0;
  TimeUs shift_us_ = 0;  ///< added to the capture's times
};

}  // namespace flowmark
