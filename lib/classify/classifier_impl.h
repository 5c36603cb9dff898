#pragma once

#include <array>
#include <span>

#include "classify/classifier.h"
#include "classify/due_windows.h"
#include "classify/flow_news.h"
#include "classify/flow_states.h"
#include "classify/inference.h"
#include "classify/verdicts.h"
#include "mark/admission.h"

namespace flowmark {

/// What a Classifier does itself: it parses, finds flows, records (process.cc), follows
/// the operator's policies (flow_policies.cc), marks (mark_packet.cc) and ties its parts together
/// (classifier.cc). Each part knows only those above it here.
struct Classifier::Impl {
  Impl(const ClassifierOptions& classifier_options, WorkerCounters& worker_counters,
       VerdictSink* sink, FlowSink* flow_sink, FlowRemovalListener& listener);

  // process.cc
  void process(std::span<Packet> packets, std::span<bool> marked) noexcept;
  size_t find_flows(std::span<const Packet> packets) noexcept;
  void prefetch_look(FlowId id, const ParsedPacket& next) const noexcept;
  void count_bypassed(const ParsedPacket& packet) noexcept;
  bool up_is_a(const Packet& packet, const ParsedPacket& parsed) const noexcept;
  void begin_flow(FlowEntry& entry, const Packet& packet, const ParsedPacket& parsed) noexcept;
  bool make_ready(FlowId id, PacketRecord record, const Packet& packet,
                  const ParsedPacket& parsed) noexcept;
  bool move_state(FlowId id, PacketRecord record, const Packet& packet,
                  const ParsedPacket& parsed) noexcept;
  void look_up_trust(FlowEntry& entry, const FlowKey& key) const noexcept;
  bool wash_unknown(const Packet& packet, const ParsedPacket& parsed) noexcept;
  void record(FlowId id, const Packet& packet, const ParsedPacket& parsed) noexcept;
  void count_dscps(const Packet& packet, const ParsedPacket& parsed, bool changed) noexcept;

  // flow_policies.cc
  PolicyPlace find_policy(const Packet& packet, const ParsedPacket& parsed, bool up_is_a,
                          Direction opener) const noexcept;
  uint16_t vlan_to_tell(const Packet& packet) const noexcept;
  Direction opener_of(const FlowEntry& entry, const ParsedPacket& p) const noexcept;
  static Direction opener_by(const ParsedPacket& first, bool a_is_up) noexcept;
  bool is_unasked(const FlowEntry& entry) const noexcept;
  bool begin_asking(FlowId id, PolicyPlace place, Direction opener, const Packet& packet) noexcept;
  void stop_asking(FlowId id, PolicyPlace place, const Packet& packet) noexcept;
  void leave_unasked(FlowEntry& entry, PolicyPlace place, Direction opener,
                     const Packet& packet) const noexcept;
  void fix_mark(FlowEntry& entry, const PolicyEffect& effect) const noexcept;
  bool pass_unasked(const FlowEntry& entry) noexcept;
  PolicyPlace policy_of(FlowId id) noexcept;
  LiveCaps caps_of(FlowId id, const Packet& packet, const ParsedPacket& parsed) noexcept;

  // mark_packet.cc
  bool mark(FlowId id, const Packet& packet, const ParsedPacket& parsed) noexcept;
  bool wash(const Packet& packet, const ParsedPacket& parsed, bool trusted) noexcept;
  bool write(const Packet& packet, const ParsedPacket& parsed, Dscp wanted,
             MarkSkip if_right) noexcept;
  bool leaves(const ParsedPacket& parsed, bool trusted, uint8_t wanted) noexcept;
  bool skip(MarkSkip reason) noexcept;
  Admission::Answer admit(FlowId id, LiveMark mark, const Packet& packet,
                          const ParsedPacket& parsed) noexcept;

  // classifier.cc
  void use_models(PreparedModels& prepared) noexcept;
  uint32_t entries_to_expire(TimeUs now_us) noexcept;
  void expire(TimeUs now_us, uint32_t entries) noexcept;
  void publish_gauges() noexcept;

  ClassifierOptions options;
  WorkerCounters& counters;
  const ModelSet nothing{0, {}};   ///< stands for no models
  const ModelSet* set = &nothing;  ///< what runs
  uint8_t not_to_mark = kNoMark;   ///< flows of this mark pass; see use_models()
  FlowTable table;
  std::unique_ptr<HostUsage> hosts;  ///< nullptr: nobody asks
  FlowStates states;
  DueWindows due;
  FlowNews news;
  Verdicts verdicts;
  Inference inference;
  FragmentTable fragments;
  Admission admission;

  TimeUs expired_us = 0;     ///< time of the last walk
  double expire_per_us = 0;  ///< table entries to look at
  double entries_owed = 0;
  uint64_t records_owed = 0;  ///< of the admission's, in parts of table.id_end()
  uint32_t refresh_owed = 0;  ///< entries, in parts of kWalksPerRefresh

  // The burst under way.
  std::array<ParsedPacket, kMaxBurst> parsed;
  std::array<uint8_t, kMaxBurst> places{};       ///< of the packets that have a flow
  std::array<FlowId, kMaxBurst> ids{};           ///< and which
  std::array<uint64_t, kMaxPorts> at_default{};  ///< of a port, that come and leave with DF
};

}  // namespace flowmark
