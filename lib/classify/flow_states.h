#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <span>

#include "base/block_pool.h"
#include "classify/flow_state.h"
#include "classify/host_usage.h"
#include "classify/model_set.h"
#include "classify/prepared_models.h"
#include "flow/flow_table.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// The states that hang at the flows of one worker's table: it makes them, keeps records of packets
/// in them, hands these on to the flows' windows, moves flows to new models and takes windows away
/// when memory is short. Owns the memory of all states and windows, reserved at construction.
///
/// Worker thread only: the packet path. An id that a function takes names a
/// flow in use; where nothing else is said, one with a state.
class FlowStates {
 public:
  struct Options {
    uint64_t memory_bytes = 0;
    bool prefault = false;       ///< touches the memory at once
    bool at_once = false;        ///< a flow gets a state with its first packet, not its second
    HostUsage* hosts = nullptr;  ///< learns what each flow's inside host uses; nullptr: nobody asks
  };

  /// `listener` is told of a flow that must give its state up (Removal::memory); it answers with
  /// release(). Table, listener and counters must outlive this. Throws Error if the memory is
  /// not to be had.
  FlowStates(const Options& options, FlowTable& table, FlowRemovalListener& listener,
             WorkerCounters& counters);

  /// New states are made for these models; flows that have one are moved, a few in each burst, at
  /// their next packet. Plans that no flow holds any more go where these came from.
  void use_models(PreparedModels& prepared) noexcept;
  const ModelSet* models() const noexcept { return models_; }
  const StateLayout& layout() const noexcept { return layout_; }

  /// A flow's state; nullptr if it has none.
  FlowState* find(FlowId id) noexcept { return static_cast<FlowState*>(table_[id].state); }
  /// The same of any id, if it still is the flow of this FlowState::serial.
  FlowState* find(FlowId id, uint32_t serial) noexcept;
  /// Made for the present models: layout() applies.
  bool is_current(const FlowState& state) const noexcept { return state.layout == layout_.epoch; }
  /// Not so, but what it holds is right for them: it keeps its verdicts when it is moved.
  bool keeps_verdicts(const FlowState& state) const noexcept {
    return !is_current(state) && state.layout >= layout_.same_since;
  }
  /// Its windows are, too.
  bool can_be_read(const FlowState& state) const noexcept {
    return is_current(state) && state.plan == plans_.back().epoch;
  }
  /// Whether a model is asked on a flow: it has no condition, or that holds.
  bool is_asked(FlowState& state, size_t slot) const noexcept;
  /// Whether an answer of a model would only refine what stands: its own verdict, or that of the
  /// model of the same task whose confidence it waits for.
  bool would_refine(FlowState& state, size_t slot) const noexcept;

  // A burst of so many packets: begin_burst(); for each packet append() if the flow is ready or can
  // be made so; end_burst().
  void begin_burst(size_t packets) noexcept;
  bool is_ready(const FlowEntry& entry) const noexcept {
    return entry.state != nullptr && entry.staging.epoch == static_cast<uint8_t>(layout_.epoch);
  }
  /// The flow is not ready: its state is for earlier models.
  void mark_outdated(FlowEntry& entry) const noexcept {
    entry.staging.epoch = static_cast<uint8_t>(layout_.epoch - 1);
  }
  /// Whether make_ready() would move a flow that is not ready to the present models now. The other
  /// flows' states are not touched: they are cold, and right after a change of models every packet
  /// is of such a flow.
  bool has_turn(const FlowEntry& entry) const noexcept {
    return entry.state != nullptr && models_ != nullptr && adoptions_left_ > 0;
  }
  /// Gives a flow that is not ready a state for the present models. False if it cannot take this
  /// packet, which is then counted or kept in the entry.
  bool make_ready(FlowId id, PacketRecord packet, TimeUs time_us) noexcept;
  /// Keeps the record and counts it down in the entry to the next look.
  void append(FlowId id, PacketRecord record) noexcept {
    FlowEntry& entry = table_[id];
    if (entry.staging.count == FlowState::kStaged) [[unlikely]]
      hand_on(id);
    entry.append(record);
    if (entry.staging.count == FlowState::kStaged) [[unlikely]]
      full_.flows[full_.count++] = id;
    --entry.staging.left[record.direction];
    --entry.left;
  }
  void end_burst() noexcept;

  /// Brings a flow's numbers up to its newest packet. Packets count for the classes that stand now:
  /// called before a verdict changes.
  FlowState& count(FlowEntry& entry) noexcept;
  /// The waiting records become part of the windows, which are made now if there are none.
  void hand_on(FlowId id) noexcept;

  // Of flows with windows that can_be_read():
  /// Brings the windows up to date, at most so many packets.
  void catch_up(FlowId id, uint32_t most) noexcept;
  /// FlowWindows::begin_read of a model's window.
  uint32_t begin_read(FlowId id, size_t slot, Direction direction,
                      WindowReader& reader) const noexcept;

  /// Takes the state from an entry and its memory back.
  void release(FlowEntry& entry) noexcept;

  uint64_t used_bytes() const noexcept { return pool_.used(); }

 private:
  using Bytes = std::array<uint64_t, 2>;  ///< by direction
  /// Flows whose stage is full.
  struct FullStages {
    std::array<FlowId, FlowTable::kMaxBurst> flows{};
    size_t count = 0;
    std::span<const FlowId> all() const noexcept { return std::span(flows).first(count); }
  };

  // flow_states.cc
  FlowState* start(const PacketRecord& first, TimeUs now_us) noexcept;
  void attach(FlowEntry& entry, FlowState& state) const noexcept;
  void adopt(FlowId id) noexcept;
  void keep(FlowEntry& entry, FlowState& state) const noexcept;
  void rebuild_windows(FlowState& state, const FlowFacts& facts) noexcept;
  void take_over_plan(std::list<HeldPlan>& prepared) noexcept;
  std::list<HeldPlan>::iterator held_plan(uint32_t epoch) noexcept;
  void let_go(std::list<HeldPlan>::iterator held) noexcept;
  bool make_way(FlowId keep) noexcept;
  FlowId find_idle(FlowId keep) noexcept;
  // flow_states_staging.cc
  void count_classes(FlowState& state, uint64_t packets, uint64_t bytes) noexcept;
  void count_host(const FlowEntry& entry, FlowState& state, uint64_t packets,
                  const Bytes& bytes) noexcept;
  ClassTag standing_tag(FlowState& state) const noexcept;
  void count_result(FlowId id, AppendResult result) noexcept;

  FlowTable& table_;
  FlowRemovalListener& listener_;
  WorkerCounters& counters_;
  BlockPool pool_;
  bool at_once_;
  HostUsage* hosts_;

  const ModelSet* models_ = nullptr;
  StateLayout layout_;
  std::list<HeldPlan> plans_;       ///< by epoch; the last one is the present models'
  std::list<HeldPlan> idle_plans_;  ///< former ones that no flow holds; given back with the next
  uint32_t next_serial_ = 1;
  uint32_t adoptions_left_ = 0;  ///< flows that may still be moved to new models in this burst
  bool models_are_new_ = false;  ///< since the last burst
  FlowId way_hand_ = 0;          ///< where make_way() looks next
  FullStages full_;              ///< by the burst under way
  FullStages being_fetched_;     ///< by the one before: handed on at this one's end
};

}  // namespace flowmark
