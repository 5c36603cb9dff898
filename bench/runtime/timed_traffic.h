#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "bench/pipeline/traffic_generator.h"
#include "runtime/model_publisher.h"
#include "runtime/packet_io.h"
#include "telemetry/latency_histogram.h"

namespace flowmark::bench {

/// What happened to the worker in a round.
enum class Round : uint8_t {
  quiet,       ///< nothing of what follows
  disturbed,   ///< another program had the core, now or a few rounds ago: caches are cold
  take_over,   ///< it swapped its models, at the end of the round
  settle_in,   ///< the first rounds with the new models, which are in no cache yet
  move_flows,  ///< the rounds after those: flows move to the new models with their next packet
  // The control side, meanwhile,
  load,     ///< reads and builds a model set
  publish,  ///< puts it up, until the worker has acknowledged it
  free,     ///< takes the old set apart
  ask,      ///< asks about a flow
  read,     ///< empties the rings of events and adds up the counters
  count_,
};
const char* to_string(Round kind) noexcept;

/// How long rounds took, of one kind. Nanoseconds.
struct RoundTimes {
  LatencyHistogram wall;  ///< by the clock
  LatencyHistogram own;   ///< the worker thread's CPU time: other programs do not count
  uint64_t wall_over = 0, own_over = 0;  ///< rounds above kLongRoundNs
  uint64_t longest_own_ns = 0;
};
inline constexpr uint64_t kLongRoundNs = 15'000;

/// A worker's packets from memory. Each receive() gives a full burst, and the time from there to
/// the next call is one round of the worker; making packets is not in it. The worker's thread calls
/// PacketIo's functions, the control thread the others.
class TimedTraffic final : public PacketIo {
 public:
  /// `models`: which the worker uses; tells when it takes over others.
  TimedTraffic(const TrafficGenerator::Options& traffic, const ModelPublisher& models);

  size_t receive(std::span<Packet> out) noexcept override;
  void transmit(std::span<const Packet>, std::span<const bool>) noexcept override {}
  bool finished() const noexcept override { return false; }
  TimeUs now() const noexcept override { return now_us_; }

  /// From now on the control side does this: one of the last kinds, or quiet.
  void begin(Round action) noexcept { action_.store(action, std::memory_order_relaxed); }
  /// Rounds count from now on.
  void start_measuring() noexcept { measures_.store(true, std::memory_order_relaxed); }
  /// Of the worker so far.
  uint64_t rounds() const noexcept { return rounds_.load(std::memory_order_relaxed); }
  /// The flow of a packet of late.
  FlowKey some_flow() const;
  /// When the worker has ended.
  const RoundTimes& times(Round kind) const { return *times_[static_cast<size_t>(kind)]; }

 private:
  static constexpr size_t kBlock = 4096;  ///< packets made at once
  // As many rounds after a change of models count as Round::settle_in and then as move_flows.
  static constexpr uint32_t kSettlingRounds = 8;
  static constexpr uint32_t kMovingRounds = 4096;
  /// A round that lacks so much of its time was interrupted by another program.
  static constexpr uint64_t kAwayNs = 3000;
  /// As many rounds after that one are disturbed too.
  static constexpr uint32_t kColdRounds = 16;

  void refill();
  void end_round(uint64_t wall_ns, uint64_t own_ns) noexcept;
  Round kind_of_round() noexcept;
  bool is_disturbed(uint64_t wall_ns, uint64_t own_ns) noexcept;

  TrafficGenerator traffic_;
  const ModelPublisher& models_;
  std::vector<Packet> block_;
  size_t used_ = kBlock;
  TimeUs now_us_ = 0;

  std::atomic<Round> action_{Round::quiet};
  std::atomic<bool> measures_{false};
  std::atomic<uint64_t> rounds_{0};
  Round action_before_ = Round::quiet;  ///< when the round began
  const Publication* publication_ = nullptr;
  uint32_t settling_rounds_left_ = 0;
  uint32_t moving_rounds_left_ = 0;
  uint32_t cold_rounds_left_ = 0;
  uint64_t wall_start_ns_ = 0, own_start_ns_ = 0;
  std::array<std::unique_ptr<RoundTimes>, static_cast<size_t>(Round::count_)> times_;

  mutable std::mutex mutex_;  ///< of what follows
  FlowKey some_flow_;
};

}  // namespace flowmark::bench
