#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>

#include "actuator/counters.h"
#include "actuator/flow_tuple.h"
#include "actuator/stream_handler.h"

namespace flowmark {

/// The flows that live and have a mark. Without VLANs: the kernel's tables do not know them.
using MarkedFlows = std::unordered_map<FlowTuple, Dscp>;

/// A table of the kernel that holds marks of flows. Methods count what they did in the counters
/// that the store was made with. One thread.
class MarkStore {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~MarkStore() = default;
  /// The flow has this mark from now on. May wait for commit().
  virtual void set(const FlowTuple& flow, Dscp dscp) = 0;
  /// The flow has no mark any more. May wait for commit().
  virtual void clear(const FlowTuple& flow) = 0;
  /// Does what waits, and what is due at `now`. False: the table is not what it was thought to be,
  /// and reconcile() is needed.
  virtual bool commit(Clock::time_point now) = 0;
  /// Reads the table and changes what differs, so that it holds the marks of `flows` and no others
  /// of ours.
  virtual void reconcile(const MarkedFlows& flows) = 0;
};

/// Keeps a table of the kernel equal to the flows that live: applies changes as they come, and
/// compares everything after each snapshot and each `reconcile_every`. While the daemon is away the
/// marks stay.
class MarkKeeper final : public StreamHandler {
 public:
  struct Limits {
    size_t max_flows = 1'000'000;              ///< flows beyond are left out, counted
    std::chrono::seconds reconcile_every{60};  ///< 0: only after a snapshot
    bool towards_lan = false;  ///< keeps the marks towards the LAN, not those towards the WAN
  };

  MarkKeeper(std::unique_ptr<MarkStore> store, ActuatorCounters& counters, Limits limits)
      : store_(std::move(store)), counters_(counters), limits_(limits) {}

  void begin_snapshot() override;
  void take(const StreamLine& line, std::string_view text) override;
  void end_snapshot() override;
  void work(Clock::time_point now) override;
  Clock::time_point next_work() const override;

  const MarkedFlows& flows() const noexcept { return flows_; }

 private:
  void set(const FlowTuple& flow, Dscp dscp);
  void clear(const FlowTuple& flow);
  void reconcile();

  std::unique_ptr<MarkStore> store_;
  ActuatorCounters& counters_;
  Limits limits_;
  MarkedFlows flows_;
  bool in_snapshot_ = false;
  bool knows_ = false;     ///< a snapshot was whole
  bool compares_ = false;  ///< at the next work()
  Clock::time_point next_reconcile_ = Clock::time_point::max();
  Clock::time_point next_commit_{};
};

}  // namespace flowmark
