#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "classify/classifier.h"
#include "classify/slice_pacer.h"
#include "runtime/cycles.h"
#include "runtime/flow_query.h"
#include "runtime/idle_pace.h"
#include "runtime/model_publisher.h"
#include "runtime/packet_io.h"

namespace flowmark {

struct WorkerOptions {
  static constexpr uint64_t kNoBudget = SlicePacer::kNoBudget;  ///< replay: until nothing is due

  size_t index = 0;                            ///< among the workers
  uint64_t slice_ns = 5'000;                   ///< inference after each burst
  double busy_share = 0.1;                     ///< of the time, for inference while packets wait
  bool sleep_when_idle = false;                ///< else the ports are polled without a break
  uint64_t cycles_per_second = 1'000'000'000;  ///< of read_cycles()
};

/// One worker: its loop, its classifier and the flows in it. Live and replay differ only in the
/// PacketIo. run() is called once, on the worker's own thread; the rest from anywhere.
class Worker {
 public:
  Worker(const WorkerOptions& options, const ClassifierOptions& classifier, PacketIo& io,
         ModelPublisher& models, WorkerCounters& counters, VerdictSink* sink,
         FlowSink* flow_sink = nullptr);

  /// Works until stop() or the packets' end; then ends all flows and gives its models back.
  void run() noexcept;
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  /// Control thread: has the worker answer about a flow. False when it did not get to it until
  /// `end` (or has ended); the query is the caller's again in any case.
  bool ask(FlowQuery& query, std::chrono::steady_clock::time_point end) noexcept;

  /// What its flows' hosts use, see Classifier::hosts().
  const HostUsage* hosts() const noexcept { return classifier_.hosts(); }

 private:
  /// Twice as many would make a packet 4% cheaper and its longest wait twice as long.
  static constexpr size_t kBurst = 32;
  static constexpr uint32_t kDelaySampling = 8;  ///< bursts for one that is timed

  void pick_up_models() noexcept;
  bool infer(size_t moved) noexcept;
  void answer_query() noexcept;
  void account(size_t moved, bool busy) noexcept;
  void measure_delay() noexcept;
  uint64_t ns_since(uint64_t cycles) const noexcept;

  WorkerOptions options_;
  CycleScale cycles_;
  PacketIo& io_;
  ModelPublisher& models_;
  WorkerCounters& counters_;
  Classifier classifier_;
  const Publication* taken_ = nullptr;  ///< holds running_
  const ModelSet* running_ = nullptr;
  std::atomic<bool> stop_{false};
  std::atomic<FlowQuery*> query_{nullptr};  ///< set by ask(), taken by the worker
  SlicePacer pacer_;
  uint64_t last_cycles_ = 0;  ///< the end of the last round, about when the ports were polled
  uint64_t poll_before_ = 0;  ///< the same one round earlier
  uint64_t last_round_ns_ = 0;
  IdlePace idle_;
  uint32_t until_sample_ = kDelaySampling;
  std::array<Packet, kBurst> packets_;
  std::array<bool, kBurst> marked_{};
};

}  // namespace flowmark
