#pragma once

#include <rte_cycles.h>

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace flowmark {

/// The time of day from the TSC: one reading a burst, never running back. Set once at the start, so
/// that it drifts against the system's clock by the TSC's error but never jumps.
class LiveClock {
 public:
  LiveClock()
      : ticks_per_us_(static_cast<double>(rte_get_tsc_hz()) / 1e6),
        start_ticks_(rte_rdtsc()),
        start_us_(std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count()) {}

  TimeUs now() const noexcept {
    const auto ticks = static_cast<double>(rte_rdtsc() - start_ticks_);
    return start_us_ + static_cast<TimeUs>(ticks / ticks_per_us_);
  }

 private:
  double ticks_per_us_;
  uint64_t start_ticks_;
  TimeUs start_us_;
};

}  // namespace flowmark
