#pragma once

#include <cstdint>

#include "dpdk/eal.h"
#include "runtime/cycles.h"

namespace flowmark {

/// Tells a loop that polls ports when it has not done so for a second (the process was stopped, its
/// core was taken away): what waits in the ports has then lost its use, and sending it late would
/// only be in the way of what comes now. Used by one thread.
class StallWatch {
 public:
  /// After the EAL has started, which measures the cycle counter.
  StallWatch() noexcept : StallWatch(ticks_per_second()) {}
  explicit StallWatch(uint64_t cycles_per_second) noexcept : limit_(kLimitS * cycles_per_second) {}

  /// To be called at every poll: true at the first one after a stall.
  bool stalled() noexcept { return stalled(read_cycles()); }
  /// The same at this reading of the counter. One that ran back is no stall.
  bool stalled(uint64_t cycles) noexcept {
    const bool stalled = last_ != 0 && cycles_between(last_, cycles) > limit_;
    last_ = cycles;
    return stalled;
  }

 private:
  static constexpr uint64_t kLimitS = 1;
  uint64_t limit_;
  uint64_t last_ = 0;
};

}  // namespace flowmark
