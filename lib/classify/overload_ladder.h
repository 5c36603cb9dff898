#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "telemetry/worker_counters.h"

namespace flowmark {

/// What inference leaves out when it does not keep up. It steps down as the queue of due windows
/// fills: at a half, at three quarters, when it is full; and back up when the queue is a quarter of
/// its length shorter than that, so that it does not flap.
class OverloadLadder {
 public:
  /// `capacity`: of the queue, at least 1.
  explicit OverloadLadder(size_t capacity) noexcept : capacity_(capacity) {}

  LadderStep step() const noexcept { return step_; }

  /// Takes note of the queue's length. True when it stepped down.
  bool update(size_t waiting) noexcept {
    const LadderStep before = step_;
    while (step_ < LadderStep::keep_marks && waiting >= entry(below())) step_ = below();
    while (step_ > LadderStep::all && waiting < exit(step_)) step_ = above();
    return step_ > before;
  }

 private:
  LadderStep below() const noexcept { return static_cast<LadderStep>(index(step_) + 1); }
  LadderStep above() const noexcept { return static_cast<LadderStep>(index(step_) - 1); }
  static size_t index(LadderStep step) noexcept { return static_cast<size_t>(step); }
  size_t entry(LadderStep step) const noexcept { return (capacity_ * (index(step) + 1) + 3) / 4; }
  size_t exit(LadderStep step) const noexcept {
    return std::max<size_t>(1, entry(step) - capacity_ / 4);
  }

  size_t capacity_;
  LadderStep step_ = LadderStep::all;
};

}  // namespace flowmark
