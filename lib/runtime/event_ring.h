#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "classify/classifier.h"

namespace flowmark {

/// Verdict events from one worker to the control thread: bounded, no lock, one writer, one reader.
/// What does not fit is lost and counted. (Not rte_ring: replay and the tests run without DPDK.)
class EventRing final : public VerdictSink {
 public:
  EventRing(size_t capacity, WorkerCounters& counters)
      : slots_(std::bit_ceil(capacity)), counters_(counters) {}

  /// Worker thread.
  void on_verdict(const VerdictEvent& event) noexcept override {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == slots_.size()) {
      counters_.verdict_events_lost.add();
      return;
    }
    slots_[head & (slots_.size() - 1)] = event;
    head_.store(head + 1, std::memory_order_release);
  }

  /// Control thread: false when empty.
  bool pop(VerdictEvent& event) noexcept {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return false;
    event = slots_[tail & (slots_.size() - 1)];
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

 private:
  std::vector<VerdictEvent> slots_;
  WorkerCounters& counters_;
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};

}  // namespace flowmark
