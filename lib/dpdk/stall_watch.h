#pragma once

#include <rte_cycles.h>

#include <cstdint>

namespace flowmark {

/// Tells a loop that polls ports when it has not done so for a second (the process was stopped, its
/// core was taken away): what waits in the ports has then lost its use, and sending it late would
/// only be in the way of what comes now. Used by one thread.
class StallWatch {
 public:
  /// To be called at every poll: true at the first one after a stall.
  bool stalled() noexcept {
    const uint64_t now = rte_rdtsc();
    const bool stalled = last_ != 0 && now - last_ > limit_;
    last_ = now;
    return stalled;
  }

 private:
  static constexpr uint64_t kLimitS = 1;
  uint64_t limit_ = kLimitS * rte_get_tsc_hz();
  uint64_t last_ = 0;
};

}  // namespace flowmark
