#pragma once

#include <chrono>
#include <cstdint>

#include "base/time.h"
#include "dpdk/eal.h"
#include "runtime/cycles.h"

namespace flowmark {

/// The time of packets, on the workers' cycle counter: one reading a burst. It begins with the time
/// of day and then goes by the counter alone: it drifts against the system's clock by the counter's
/// error, but never jumps when that is set. It tells how long things last; as a time of day it is
/// for display only. Any thread.
class LiveClock {
 public:
  /// After the EAL has started, which measures the counter.
  LiveClock()
      : LiveClock(read_cycles(), ticks_per_second(),
                  std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count()) {}
  /// It is `start_us` when the counter, of this frequency, stands at `start_cycles`.
  LiveClock(uint64_t start_cycles, uint64_t cycles_per_second, TimeUs start_us) noexcept
      : scale_(cycles_per_second), start_cycles_(start_cycles), start_us_(start_us) {}

  TimeUs now() const noexcept { return at(read_cycles()); }
  /// A counter that ran back to before the start stands still there.
  TimeUs at(uint64_t cycles) const noexcept {
    return start_us_ + static_cast<TimeUs>(scale_.to_us(cycles_between(start_cycles_, cycles)));
  }

 private:
  CycleScale scale_;
  uint64_t start_cycles_;
  TimeUs start_us_;
};

}  // namespace flowmark
