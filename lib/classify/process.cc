// The packets' way: parse, find flows, record, queue what is due, mark.
#include <algorithm>

#include "classify/classifier_impl.h"
#include "mark/marker.h"

namespace flowmark {
namespace {

constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04;
constexpr uint32_t kAdoptionsPerBurst = 2;
constexpr size_t kPacketsAhead = 8;  // whose first bytes are being fetched
constexpr size_t kRecordsAhead = 8;

void add_saturating(uint32_t& value) noexcept {
  value += value < UINT32_MAX;
}

uint32_t ms_since(TimeUs start_us, TimeUs now_us) noexcept {
  const TimeUs elapsed = (now_us - start_us) / kUsPerMs;
  return static_cast<uint32_t>(std::clamp<TimeUs>(elapsed, 0, UINT32_MAX));
}

}  // namespace

// Stage by stage over the whole burst, each fetching what the next one touches.
void Classifier::Impl::process(std::span<Packet> packets, std::span<bool> marked) noexcept {
  std::ranges::fill(marked, false);
  if (packets.empty()) return;
  const size_t count = find_flows(packets);
  adoptions_left = kAdoptionsPerBurst;
  for (size_t k = 0; k < count; ++k) {
    if (k + kRecordsAhead < count) fetch_stage(ids[k + kRecordsAhead]);
    const size_t i = places[k];
    if (ids[k] == kNoFlow) {
      counters.bypassed[static_cast<size_t>(Bypass::table_full)].add();
      continue;
    }
    record(ids[k], packets[i], parsed[i]);
    const bool changed = mark(table[ids[k]], packets[i], parsed[i]);
    if (!marked.empty()) marked[i] = changed;
  }
  hand_on_staged();
}

// Fetches the place where a flow's next record goes.
void Classifier::Impl::fetch_stage(FlowId id) const noexcept {
  if (id == kNoFlow) return;
  const auto* state = static_cast<const FlowState*>(table[id].state);
  if (state != nullptr) __builtin_prefetch(state->staged.data() + state->staged_count, 1);
}

// The flows of the packets that have one: `places` and `ids` say which and what.
size_t Classifier::Impl::find_flows(std::span<const Packet> packets) noexcept {
  std::array<const FlowKey*, kMaxBurst> keys;
  std::array<uint64_t, kMaxBurst> hashes;
  size_t count = 0;
  uint64_t bytes = 0;
  const auto fetch = [packets](size_t i) {
    if (i < packets.size()) __builtin_prefetch(packets[i].data);
  };
  for (size_t i = 0; i < kPacketsAhead; ++i) fetch(i);
  for (size_t i = 0; i < packets.size(); ++i) {
    fetch(i + kPacketsAhead);
    bytes += packets[i].wire_length;
    parse(packets[i], options.parse, parsed[i]);
    if (parsed[i].status != ParseStatus::ok) {
      count_bypassed(parsed[i]);
      continue;
    }
    if (parsed[i].fragment != Fragment::none) fragments.resolve(parsed[i], packets[i].time_us);
    keys[count] = &parsed[i].key;
    hashes[count] = hash(parsed[i].key);
    table.prefetch(hashes[count]);
    places[count++] = static_cast<uint8_t>(i);
  }
  counters.packets.add(packets.size());
  counters.bytes.add(bytes);
  table.find_or_insert(std::span(keys).first(count), std::span(hashes).first(count),
                       packets.back().time_us, std::span(ids).first(count));
  return count;
}

void Classifier::Impl::count_bypassed(const ParsedPacket& packet) noexcept {
  const Bypass reason = packet.status == ParseStatus::not_ip      ? Bypass::not_ip
                        : packet.status == ParseStatus::truncated ? Bypass::truncated_header
                                                                  : Bypass::malformed_header;
  counters.bypassed[static_cast<size_t>(reason)].add();
}

// Whether endpoint a of a new flow is the upstream sender.
bool Classifier::Impl::up_is_a(const Packet& packet, const ParsedPacket& p) const noexcept {
  if (!options.inside.empty()) {
    const bool a_inside = contains(options.inside, p.key.a);
    if (a_inside != contains(options.inside, p.key.b)) return a_inside;
  }
  if (options.direction == DirectionRule::lan_port) {
    return p.from_a == (packet.port == options.lan_port);
  }
  return p.from_a;
}

void Classifier::Impl::record(FlowId id, const Packet& packet, const ParsedPacket& p) noexcept {
  FlowEntry& entry = table[id];
  if (entry.packets == 0 && up_is_a(packet, p)) entry.flags |= kUpIsA;
  if (entry.packets < UINT16_MAX) ++entry.packets;
  if ((p.tcp_flags & (kTcpFin | kTcpRst)) != 0) {
    entry.flags |= kClosing;
  } else if ((p.tcp_flags & kTcpSyn) != 0) {
    entry.flags &= static_cast<uint8_t>(~kClosing);  // the ports are used again
  }

  const bool up = p.from_a == ((entry.flags & kUpIsA) != 0);
  PacketRecord now;
  now.time_us = static_cast<uint32_t>(packet.time_us);
  now.size = p.ip_length;
  now.direction = static_cast<uint8_t>(up ? Direction::up : Direction::down);
  now.pure_ack = p.pure_ack ? 1 : 0;

  if (models == nullptr) {
    counters.bypassed[static_cast<size_t>(Bypass::no_model)].add();
    return;
  }
  if (entry.state == nullptr) {
    if (entry.packets == 1 && !options.windows_at_once) {
      entry.first = now;
      return;
    }
    const bool has_first = entry.packets == 2 && !options.windows_at_once;
    if (!has_first) entry.first = now;
    FlowState* state = start_state(id, packet.time_us);
    if (state == nullptr) {
      counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
      return;
    }
    if (has_first) append(id, *state, entry.first);
  } else if (!current(*static_cast<FlowState*>(entry.state)) && adoptions_left > 0) {
    --adoptions_left;
    adopt(id);
  }
  auto& state = *static_cast<FlowState*>(entry.state);
  state.last_us = std::max(state.last_us, packet.time_us);
  append(id, state, now);
  const bool may_be_due = state.packets[now.direction] >= state.look_packets[now.direction] ||
                          packet.time_us >= state.look_us;
  if (may_be_due && current(state) && state.plan == plans.back().epoch) {
    queue_due(id, state, now.direction, packet.time_us);
  }
}

FlowState* Classifier::Impl::start_state(FlowId id, TimeUs now_us) noexcept {
  FlowEntry& entry = table[id];
  FlowState* state = create_state(layout, models, pool);
  if (state == nullptr && make_way(id)) state = create_state(layout, models, pool);
  if (state == nullptr) return nullptr;
  // The first record may be older than this packet; its 32 bits tell by how much.
  state->start_us =
      now_us - static_cast<uint32_t>(static_cast<uint32_t>(now_us) - entry.first.time_us);
  state->serial = next_serial++;
  state->plan = plans.back().epoch;
  ++plans.back().flows;
  entry.state = state;
  return state;
}

void Classifier::Impl::append(FlowId id, FlowState& state, const PacketRecord& packet) noexcept {
  add_saturating(state.packets[packet.direction]);
  state.bytes += packet.size;
  if (state.staged_count == FlowState::kStaged) hand_on(id, state);
  state.staged[state.staged_count++] = packet;
  if (state.staged_count == FlowState::kStaged) full_stages[full_stage_count++] = id;
  if (state.has_verdict() && current(state)) count_classes(state, packet);
}

void Classifier::Impl::count_classes(const FlowState& state, const PacketRecord& packet) noexcept {
  for (size_t slot = 0; slot < layout.slots.size(); ++slot) {
    const uint8_t c = state.standing[slot];
    if (c == kNoClass) continue;
    counters.models[slot].packets[c].add();
    counters.models[slot].bytes[c].add(packet.size);
  }
}

// Flows whose stage this burst has filled: their records go on to the windows, fetched together.
void Classifier::Impl::hand_on_staged() noexcept {
  const auto full = std::span<const FlowId>(full_stages).first(full_stage_count);
  full_stage_count = 0;
  for (const int step : {0, 1}) {
    for (const FlowId id : full) {
      const auto* state = static_cast<const FlowState*>(table[id].state);
      if (state != nullptr && state->windows != nullptr) state->windows->prefetch(step);
    }
  }
  for (const FlowId id : full) {  // a flow may have given its windows up meanwhile
    auto* state = static_cast<FlowState*>(table[id].state);
    if (state != nullptr && state->staged_count == FlowState::kStaged) hand_on(id, *state);
  }
}

// Staged records become part of the windows, which are made now if there are none yet.
void Classifier::Impl::hand_on(FlowId id, FlowState& state) noexcept {
  const auto staged = std::span<const PacketRecord>(state.staged).first(state.staged_count);
  state.staged_count = 0;
  if (staged.empty()) return;
  const WindowPlan& plan = plan_of(state);
  if (state.windows == nullptr) state.windows = FlowWindows::create(plan, pool);
  if (state.windows == nullptr && make_way(id)) state.windows = FlowWindows::create(plan, pool);
  if (state.windows == nullptr) {
    counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add(staged.size());
    return;
  }
  count_result(id, state.windows->add(staged, plan, pool));
}

void Classifier::Impl::count_result(FlowId id, FlowWindows::AppendResult result) noexcept {
  if (result == FlowWindows::AppendResult::picture_full) counters.picture_overflows.add();
  if (result != FlowWindows::AppendResult::out_of_memory) return;
  counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
  make_way(id);  // the next packets find room
}

// Queues the windows that this packet makes due and says when to look again.
void Classifier::Impl::queue_due(FlowId id, FlowState& state, uint8_t direction,
                                 TimeUs now_us) noexcept {
  const uint32_t age_ms = ms_since(state.start_us, now_us);
  state.look_packets = {UINT32_MAX, UINT32_MAX};
  state.look_us = INT64_MAX;
  for (uint8_t slot = 0; slot < layout.slots.size(); ++slot) {
    if (!wanted(state, slot)) continue;  // when that changes the flow is looked at again
    const ActiveModel& model = models->models()[slot];
    if (!model.model->input.is_picture()) {
      look_at(id, state, {slot, 0}, state.total_packets(), age_ms, true, now_us);
      continue;
    }
    for (const uint8_t side : {uint8_t{0}, uint8_t{1}}) {
      look_at(id, state, {slot, side}, state.packets[side], age_ms, side == direction, now_us);
    }
  }
}

// One window of a flow: queued if it is due and the packet is one of its own.
void Classifier::Impl::look_at(FlowId id, FlowState& state, WindowName name, uint32_t packets,
                               uint32_t age_ms, bool is_its_own, TimeUs now_us) noexcept {
  Due& next = layout.model(state, name.slot).due[name.side];
  if (next.queued) return;  // the flow is looked at again when it is read
  bool enough = packets >= next.packets, late = age_ms >= next.time_ms;
  if (is_its_own && (next.asked ? enough || late : enough && late)) {
    // Early windows double, so that a young flow's verdict improves fast at little cost.
    const VerdictPolicy& policy = models->models()[name.slot].policy;
    next.asked = true;
    next.packets = packets + std::min(packets, policy.hop_packets);
    next.time_ms = age_ms + static_cast<uint32_t>(policy.hop_us / kUsPerMs);
    enqueue({id, state.serial, name.slot, name.side, now_us}, state, next);
    if (next.queued) return;
    enough = late = false;
  }
  if (!late && (next.asked || enough)) {
    state.look_us = std::min(state.look_us, state.start_us + TimeUs{next.time_ms} * kUsPerMs);
  }
  if (enough && !late && !next.asked) return;
  const bool at_next = next.asked ? enough || late : enough && late;
  const uint32_t missing = at_next ? 1 : next.packets - std::min(packets, next.packets);
  const bool picture = models->models()[name.slot].model->input.is_picture();
  for (uint32_t side = 0; side < 2; ++side) {
    if (picture && side != name.side) continue;
    const uint64_t at = uint64_t{state.packets[side]} + missing;
    state.look_packets[side] =
        static_cast<uint32_t>(std::min<uint64_t>(state.look_packets[side], at));
  }
}

bool Classifier::Impl::mark(const FlowEntry& entry, const Packet& packet,
                            const ParsedPacket& p) noexcept {
  if (entry.mark == kNoMark) return false;
  const auto skip = [this](MarkSkip reason) {
    counters.mark_skipped[static_cast<size_t>(reason)].add();
    return false;
  };
  const Dscp present = p.traffic_class >> 2;
  if (options.mark_mode == MarkMode::report) return skip(MarkSkip::report_only);
  if (present == entry.mark) return skip(MarkSkip::already_right);
  if (options.mark_mode == MarkMode::unmarked && present != dscp::kDefault) {
    return skip(MarkSkip::already_marked);
  }
  if (entry.mark == dscp::kExpedited && !ef_guard.admit(packet.wire_length, packet.time_us)) {
    return skip(MarkSkip::ef_guard);
  }
  write_dscp(packet, p, entry.mark);
  counters.marked[entry.mark].add();
  return true;
}

}  // namespace flowmark
