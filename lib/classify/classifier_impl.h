#pragma once

#include <array>
#include <memory>
#include <vector>

#include "classify/classifier.h"
#include "classify/due_queue.h"
#include "classify/flow_state.h"
#include "classify/overload_ladder.h"
#include "mark/ef_guard.h"

namespace flowmark {

/// The parts of a Classifier. classifier.cc: life, models, removal; process.cc: the packets' way;
/// staging.cc: records on their way to the windows; look.cc: what is due; inference.cc: due windows
/// and verdicts.
struct Classifier::Impl {
  Impl(const ClassifierOptions& classifier_options, WorkerCounters& worker_counters,
       VerdictSink* verdict_sink, FlowRemovalListener& listener);

  // process.cc
  void process(std::span<Packet> packets, std::span<bool> marked) noexcept;
  size_t find_flows(std::span<const Packet> packets) noexcept;
  void fetch_for_look(FlowId id, const ParsedPacket& next) const noexcept;
  bool is_late(const Staging& staging) const noexcept;
  void count_bypassed(const ParsedPacket& parsed) noexcept;
  bool up_is_a(const Packet& packet, const ParsedPacket& parsed) const noexcept;
  void record(FlowId id, const Packet& packet, const ParsedPacket& parsed) noexcept;
  bool mark(const FlowEntry& entry, const Packet& packet, const ParsedPacket& parsed) noexcept;

  // staging.cc
  bool make_ready(FlowId id, PacketRecord packet, TimeUs time_us) noexcept;
  FlowState* start_state(const PacketRecord& first, TimeUs now_us) noexcept;
  FlowState& count_staged(FlowEntry& entry) noexcept;
  void count_classes(FlowState& state, uint64_t packets, uint64_t bytes) noexcept;
  void fetch_rings() const noexcept;
  void hand_on_staged() noexcept;
  void hand_on(FlowId id, FlowState& state) noexcept;
  void count_result(FlowId id, AppendResult result) noexcept;

  // look.cc
  void look(FlowId id, uint8_t direction, TimeUs now_us) noexcept;
  static void look_again(FlowEntry& entry) noexcept;
  struct WindowName {
    uint8_t slot;
    uint8_t side;
  };
  /// No window of a flow can become due before so many more packets, of a direction or of both, or
  /// this time.
  struct NextLook {
    std::array<uint32_t, 2> packets{UINT32_MAX, UINT32_MAX};
    uint32_t together = UINT32_MAX;
    TimeUs time_us = INT64_MAX;
  };
  void look_at(FlowId id, FlowState& state, WindowName name, uint32_t packets, uint32_t age_ms,
               bool is_its_own, TimeUs now_us, NextLook& look) noexcept;

  // inference.cc
  bool infer(uint64_t budget_ns) noexcept;
  bool step(bool finely) noexcept;
  void remember_step(uint64_t ns) noexcept;
  bool is_too_long(uint64_t left_ns) const noexcept;
  void take_next() noexcept;
  void prepare() noexcept;
  FlowState* active_state() noexcept;
  void prefetch_due() const noexcept;
  void enqueue(const DueItem& item, FlowState& state, Due& due_state) noexcept;
  bool leave_out(FlowState& state, uint8_t slot, LadderStep step) noexcept;
  bool has_cheaper(FlowState& state, uint8_t slot) const noexcept;
  void finish_window() noexcept;
  void settle(FlowId id, FlowState& state, uint8_t slot, VerdictChange change, uint32_t before,
              bool provisional, TimeUs now_us) noexcept;
  void withdraw_dependents(FlowEntry& entry, uint8_t slot) noexcept;
  uint8_t mark_of(FlowState& state) const noexcept;
  bool wanted(FlowState& state, size_t slot) const noexcept;
  bool is_provisional(const FlowState& state, const DueItem& item) const noexcept;
  void emit(FlowId id, FlowState& state, uint8_t slot, VerdictEvent event) noexcept;

  // classifier.cc
  void use_models(const ModelSet* set);
  void restart_counters(const ModelSet* set);
  void adopt(FlowId id) noexcept;
  void rebuild_windows(FlowState& state) noexcept;
  void release(FlowState& state) noexcept;
  void count_standing(FlowEntry& entry, size_t slot, int step) noexcept;
  void removed(FlowId id, FlowEntry& entry) noexcept;
  void publish_gauges() noexcept;
  uint32_t entries_to_expire(TimeUs now_us) noexcept;
  bool make_way(FlowId keep) noexcept;
  bool current(const FlowState& state) const noexcept { return state.layout == layout.epoch; }

  /// Plans that flows may still hold windows of, by epoch; the last one is the present.
  struct HeldPlan {
    uint32_t epoch = 0;
    uint32_t flows = 0;
    std::shared_ptr<const WindowPlan> plan;
  };
  HeldPlan& held_plan(uint32_t epoch) noexcept;
  const WindowPlan& plan_of(const FlowState& state) noexcept;

  ClassifierOptions options;
  WorkerCounters& counters;
  VerdictSink* sink;
  FlowTable table;
  BlockPool pool;
  FragmentTable fragments;
  EfGuard ef_guard;

  const ModelSet* models = nullptr;
  StateLayout layout;
  std::vector<HeldPlan> plans;
  struct SlotOwner {
    std::string name;
    std::vector<std::string> classes;
    friend bool operator==(const SlotOwner&, const SlotOwner&) = default;
  };
  std::vector<SlotOwner> slot_owners;  ///< whose counters are in the slots
  std::vector<std::unique_ptr<EngineScratch>> scratch;
  static constexpr uint32_t kLongestIdleMs = 1u << 31;
  uint32_t next_serial = 1;
  FlowId way_hand = 0;       ///< where make_way looks next
  TimeUs expired_us = 0;     ///< time of the last walk
  double expire_per_us = 0;  ///< table entries to look at
  double entries_owed = 0;
  uint32_t adoptions_left = 0;  ///< flows that may still be moved to the new models in this burst

  DueQueue due;
  OverloadLadder ladder;
  DueItem active;  ///< inference under way, if `busy`
  bool busy = false;
  bool preparing = false;  ///< or its flow is being brought up to date
  uint32_t undrawn = 0;    ///< packets that its pictures still lack
  bool active_provisional = false;
  uint64_t active_ns = 0;
  std::array<uint64_t, kMaxModels> cost_ns{};  ///< of an inference, by slot; 0: not known yet
  std::array<uint64_t, kMaxModels> longest_step_ns{};  ///< of a model lately
  SparseWindow window;
  WindowReader reader;
  bool reading = false;  ///< the active window is being read out, not inferred yet

  // The burst under way.
  std::array<ParsedPacket, kMaxBurst> parsed;
  std::array<uint8_t, kMaxBurst> places{};  ///< of the packets that have a flow
  std::array<FlowId, kMaxBurst> ids{};      ///< and which

  /// Flows whose stage is full.
  struct FullStages {
    std::array<FlowId, kMaxBurst> flows{};
    size_t count = 0;
    std::span<const FlowId> all() const noexcept { return std::span(flows).first(count); }
  };
  FullStages full;           ///< by the burst under way
  FullStages being_fetched;  ///< by the one before: handed on at this one's end
};

}  // namespace flowmark
