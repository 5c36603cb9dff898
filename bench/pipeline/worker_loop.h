#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bench/pipeline/traffic_generator.h"
#include "classify/classifier.h"
#include "classify/slice_pacer.h"
#include "telemetry/latency_histogram.h"

namespace flowmark::bench {

/// The daemon's worker loop without ports: packets are made a block at a time, outside of what is
/// measured, and then go through the classifier burst by burst with inference and expiry between
/// them, as if packets always waited. Time is the thread's own CPU time, so that other load on the
/// machine matters little; delays are by the clock unless asked otherwise.
class WorkerLoop {
 public:
  struct Options {
    uint32_t flows = 1000;  ///< the table holds at least twice as many
    uint64_t memory_bytes = 1ull << 30;
    uint32_t burst = 32;      ///< as the daemon's; at most Classifier::kMaxBurst
    double busy_share = 0.1;  ///< of the time, for inference
    /// Delays by the thread's own CPU time: without the times when something else had the core.
    bool own_delays = false;
    bool tells_flows = false;  ///< as for the stream of verdicts; nobody reads what is told
  };

  WorkerLoop(const Options& options, const ModelSet& models);

  /// Feeds packets until `packets` have passed.
  void run(TrafficGenerator& traffic, uint64_t packets);
  /// What was measured so far does not count.
  void forget();

  double ns_per_packet() const;
  /// From the poll before a packet's burst was received to when it was sent: the longest it can
  /// have waited.
  const LatencyHistogram& delays() const { return *delays_; }
  /// The same of a loop of equally long rounds that does nothing: what the machine itself adds.
  std::unique_ptr<LatencyHistogram> machine_delays() const;
  uint64_t inferences() const;
  uint64_t bypassed() const;
  /// Due windows that were not read because inference did not keep up.
  uint64_t left_out() const;
  const WorkerCounters& counters() const { return *counters_; }
  const Classifier& classifier() const { return *classifier_; }
  /// Table and windows.
  uint64_t memory_in_use() const;

 private:
  static constexpr uint32_t kBlock = 4096;  ///< packets made at once

  uint64_t delay_clock_ns() const;
  void pass(std::span<Packet> burst);

  Options options_;
  uint32_t capacity_;
  std::unique_ptr<WorkerCounters> counters_;
  std::shared_ptr<FlowSink> told_;
  std::unique_ptr<Classifier> classifier_;
  std::unique_ptr<LatencyHistogram> delays_;
  SlicePacer pacer_;
  std::vector<Packet> block_;
  uint64_t cpu_ns_ = 0, packets_ = 0, rounds_ = 0, inferences_before_ = 0;
  uint64_t polled_ns_ = 0;      ///< when the burst under way was polled
  uint64_t last_round_ns_ = 0;  ///< how long the round before it took
};

}  // namespace flowmark::bench
