#pragma once

#include <cstdint>
#include <optional>

#include "bench/qoe/relay/tier_scheduler.h"

namespace flowmark::qoe {

/// A line of a rate with a queue before it. One thread; times as of TierScheduler.
class Line {
 public:
  enum class Scheduler : uint8_t {
    fifo,
    tiers
  };  ///< one queue for everything, or one for each tier

  /// `queue_frames`: what a queue holds.
  Line(double rate_kbit, size_t queue_frames, Scheduler scheduler);

  void push(Frame frame, int64_t now_ns);
  /// A frame that has its turn by now, else nullopt.
  std::optional<Frame> pop(int64_t now_ns);
  /// When pop() has the next frame: nullopt while nothing waits.
  std::optional<int64_t> next_ns() const;

  const TierScheduler& scheduler() const noexcept { return scheduler_; }
  /// The latest that a frame was asked for after its turn, while it waited: how busy the machine
  /// was.
  int64_t latest_ns() const noexcept { return latest_ns_; }

 private:
  double ns_per_byte_;
  bool tiers_;
  TierScheduler scheduler_;
  int64_t free_ns_ = 0;  ///< the line has sent what it was given
  int64_t latest_ns_ = 0;
};

}  // namespace flowmark::qoe
