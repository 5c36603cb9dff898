#pragma once

#include <array>
#include <cstdint>

#include "classify/due_queue.h"
#include "classify/flow_states.h"
#include "classify/overload_ladder.h"
#include "flow/flow_table.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// Says which windows of which flows are due, by the models' policies, and keeps them in bounded
/// queues until inference takes them, the oldest first. Under overload it leaves windows out, and
/// counts them; the first verdicts of flows that were answered or last (Hold) then come before all
/// others, and go without only for want of time for their own kind. Owns the queues and the costs
/// that the choice rests on; when each flow is due again stands in its state.
///
/// Worker thread only: the packet path.
class DueWindows {
 public:
  /// `capacity`: of each queue; beyond, a due window is left out. The others must outlive this.
  DueWindows(uint32_t capacity, FlowTable& table, FlowStates& states, WorkerCounters& counters);

  /// After FlowStates::use_models(): empties the queues and forgets costs.
  void use_models() noexcept;

  /// Whether a flow is to be looked at for its newest packet.
  bool wants_look(const FlowEntry& entry, Direction direction) const noexcept {
    return entry.staging.left[static_cast<size_t>(direction)] == 0 || entry.left == 0 ||
           is_late(entry.staging);
  }
  /// Fetches what a look at a flow touches if its next packet, of this direction, brings one about.
  void prefetch_look(const FlowEntry& entry, Direction direction) const noexcept;
  /// Queues the windows that a flow's newest packet makes due and says when the flow is
  /// to be looked at again.
  void look(FlowId id, Direction direction, TimeUs now_us) noexcept;

  bool empty() const noexcept { return size() == 0; }
  size_t size() const noexcept { return urgent_.size() + others_.size(); }
  LadderStep step() const noexcept { return ladder_.step(); }
  /// Takes the next window. False when there is none, its flow is gone, its model's condition no
  /// longer holds, or it is left out now.
  bool take(DueItem& item) noexcept;

  /// What an inference of a model took, for the choice of the cheapest.
  void learn_cost(size_t slot, uint64_t ns) noexcept;

 private:
  struct WindowName {
    uint8_t slot;
    uint8_t side;  ///< direction, or 0 where there is one window for both
  };
  /// The packet that a flow is looked at for.
  struct NewPacket {
    FlowId flow;
    Direction direction;
    TimeUs time_us;
    int64_t age_ms;  ///< of the flow
  };
  /// No window of a flow can become due before so many more packets, of a direction or of both, or
  /// this time.
  struct NextLook {
    std::array<uint32_t, 2> packets{UINT32_MAX, UINT32_MAX};
    uint32_t together = UINT32_MAX;
    TimeUs time_us = INT64_MAX;
  };

  bool is_late(const Staging& staging) const noexcept {
    return static_cast<int32_t>(table_.now_ms() - staging.look_ms) >= 0;
  }
  void look_at(FlowState& state, WindowName name, const NewPacket& packet, NextLook& look) noexcept;
  void look_next(FlowEntry& entry, FlowState& state, const NextLook& look, TimeUs now_us) noexcept;
  bool is_urgent(FlowId id, FlowState& state, uint8_t slot) const noexcept;
  bool enqueue(DueItem item, FlowState& state) noexcept;
  DueQueue& next_queue() noexcept;
  void update_ladders() noexcept;
  bool leave_out(FlowState& state, uint8_t slot, LadderStep step) noexcept;
  bool has_cheaper(FlowState& state, uint8_t slot) const noexcept;
  void prefetch_next() noexcept;

  FlowTable& table_;
  FlowStates& states_;
  WorkerCounters& counters_;
  DueQueue urgent_;  ///< first verdicts of flows with some hold
  DueQueue others_;
  OverloadLadder ladder_;         ///< by all that wait
  OverloadLadder urgent_ladder_;  ///< by the urgent ones alone
  uint32_t next_ticket_ = 0;
  std::array<uint64_t, kMaxModels> cost_ns_{};  ///< of an inference, by slot; 0: not known yet
};

}  // namespace flowmark
