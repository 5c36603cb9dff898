#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "classify/classifier.h"

namespace flowmark {

/// Events from one worker to one thread of the control side: bounded, no lock, one writer, one
/// reader. (Not rte_ring: replay and the tests run without DPDK.)
template <typename Event>
class SpscRing {
 public:
  /// Room for `capacity` events, rounded up to a power of two.
  explicit SpscRing(size_t capacity) : slots_(std::bit_ceil(capacity)) {}

  /// Writer: false when there is no room.
  bool push(const Event& event) noexcept {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == slots_.size()) return false;
    slots_[head & (slots_.size() - 1)] = event;
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  /// Writer: at most half of it is in use.
  bool is_half_empty() const noexcept {
    const uint64_t used =
        head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_acquire);
    return used <= slots_.size() / 2;
  }
  /// Reader: false when empty.
  bool pop(Event& event) noexcept {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return false;
    event = slots_[tail & (slots_.size() - 1)];
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

 private:
  std::vector<Event> slots_;
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};

/// Verdict events from one worker to the control thread. What does not fit is lost and counted.
class EventRing final : public VerdictSink {
 public:
  EventRing(size_t capacity, WorkerCounters& counters) : ring_(capacity), counters_(counters) {}

  /// Worker thread.
  void on_verdict(const VerdictEvent& event) noexcept override {
    if (!ring_.push(event)) counters_.verdict_events_lost.add();
  }
  /// Control thread: false when empty.
  bool pop(VerdictEvent& event) noexcept { return ring_.pop(event); }

 private:
  SpscRing<VerdictEvent> ring_;
  WorkerCounters& counters_;
};

/// Flow events from one worker to the thread that tells of flows. What does not fit is lost and
/// counted.
class FlowRing final : public FlowSink {
 public:
  FlowRing(size_t capacity, WorkerCounters& counters) : ring_(capacity), counters_(counters) {}

  // Worker thread.
  void on_flow(const FlowEvent& event) noexcept override {
    if (!ring_.push(event)) counters_.flow_events_lost.add();
  }
  bool has_much_room() const noexcept override { return ring_.is_half_empty(); }

  // The reader's thread.
  /// False when empty.
  bool pop(FlowEvent& event) noexcept { return ring_.pop(event); }
  /// Events that were lost so far.
  uint64_t lost() const noexcept { return counters_.flow_events_lost.get(); }

 private:
  SpscRing<FlowEvent> ring_;
  WorkerCounters& counters_;
};

}  // namespace flowmark
