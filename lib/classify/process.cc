// The packets' way: parse, find flows, record, queue what is due, mark.
#include <algorithm>

#include "classify/classifier_impl.h"
#include "mark/marker.h"

namespace flowmark {
namespace {

constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04;
constexpr uint32_t kAdoptionsPerBurst = 2;

void add_saturating(uint32_t& value) noexcept {
  value += value < UINT32_MAX;
}

uint32_t ms_since(TimeUs start_us, TimeUs now_us) noexcept {
  const TimeUs elapsed = (now_us - start_us) / kUsPerMs;
  return static_cast<uint32_t>(std::clamp<TimeUs>(elapsed, 0, UINT32_MAX));
}

}  // namespace

void Classifier::Impl::process(std::span<Packet> packets, std::span<bool> marked) noexcept {
  std::ranges::fill(marked, false);
  if (packets.empty()) return;
  parse(packets, options.parse, std::span(parsed).first(packets.size()));

  std::array<const FlowKey*, kMaxBurst> keys;
  std::array<uint64_t, kMaxBurst> hashes;
  std::array<uint8_t, kMaxBurst> places;  // of the packets that have a flow
  size_t count = 0;
  for (size_t i = 0; i < packets.size(); ++i) {
    counters.packets.add();
    counters.bytes.add(packets[i].wire_length);
    if (parsed[i].status != ParseStatus::ok) {
      count_bypassed(parsed[i]);
      continue;
    }
    if (parsed[i].fragment != Fragment::none) fragments.resolve(parsed[i], packets[i].time_us);
    keys[count] = &parsed[i].key;
    hashes[count] = hash(parsed[i].key);
    places[count++] = static_cast<uint8_t>(i);
  }
  table.find_or_insert(std::span(keys).first(count), std::span(hashes).first(count),
                       packets.back().time_us, std::span(ids).first(count));
  for (size_t k = 0; k < count; ++k) {
    if (ids[k] != kNoFlow) __builtin_prefetch(table[ids[k]].state);
  }
  adoptions_left = kAdoptionsPerBurst;
  for (size_t k = 0; k < count; ++k) {
    const size_t i = places[k];
    if (ids[k] == kNoFlow) {
      counters.bypassed[static_cast<size_t>(Bypass::table_full)].add();
      continue;
    }
    record(ids[k], packets[i], parsed[i]);
    const bool changed = mark(table[ids[k]], packets[i], parsed[i]);
    if (!marked.empty()) marked[i] = changed;
  }
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
    FlowState* state = start_state(entry, packet.time_us);
    if (state == nullptr) {
      counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
      return;
    }
    if (has_first) append(*state, entry.first);
  } else if (!current(*static_cast<FlowState*>(entry.state)) && adoptions_left > 0) {
    --adoptions_left;
    adopt(entry);
  }
  auto& state = *static_cast<FlowState*>(entry.state);
  state.last_us = std::max(state.last_us, packet.time_us);
  append(state, now);
  if (current(state) && state.plan == plans.back().epoch) {
    queue_due(id, state, now.direction, packet.time_us);
  }
}

FlowState* Classifier::Impl::start_state(FlowEntry& entry, TimeUs now_us) noexcept {
  FlowState* state = create_state(layout, models, pool);
  if (state == nullptr) return nullptr;
  state->windows = FlowWindows::create(*plans.back().plan, pool);
  if (state->windows == nullptr) {
    pool.release(state, state->block_bytes);
    return nullptr;
  }
  // The first record may be older than this packet; its 32 bits tell by how much.
  state->start_us =
      now_us - static_cast<uint32_t>(static_cast<uint32_t>(now_us) - entry.first.time_us);
  state->serial = next_serial++;
  state->plan = plans.back().epoch;
  ++plans.back().flows;
  entry.state = state;
  return state;
}

void Classifier::Impl::append(FlowState& state, const PacketRecord& packet) noexcept {
  add_saturating(state.packets[packet.direction]);
  state.bytes += packet.size;
  const auto result = state.windows->append(packet, plan_of(state), pool);
  if (result == FlowWindows::AppendResult::picture_full) counters.picture_overflows.add();
  if (result == FlowWindows::AppendResult::out_of_memory) {
    counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
  }
  if (!current(state)) return;
  for (size_t slot = 0; slot < layout.slots.size(); ++slot) {
    const uint8_t c = layout.model(state, slot).verdict.class_index;
    if (c == kNoClass) continue;
    counters.models[slot].packets[c].add();
    counters.models[slot].bytes[c].add(packet.size);
  }
}

void Classifier::Impl::queue_due(FlowId id, FlowState& state, uint8_t direction,
                                 TimeUs now_us) noexcept {
  const uint32_t age_ms = ms_since(state.start_us, now_us);
  for (size_t slot = 0; slot < layout.slots.size(); ++slot) {
    const ActiveModel& model = models->models()[slot];
    const bool picture = model.model->input.is_picture();
    const uint8_t side = picture ? direction : 0;
    const uint32_t packets = picture ? state.packets[direction] : state.total_packets();
    Due& next = layout.model(state, slot).due[side];
    if (next.queued) continue;
    const bool enough = packets >= next.packets, late = age_ms >= next.time_ms;
    if (next.asked ? !(enough || late) : !(enough && late)) continue;
    if (!wanted(state, slot)) continue;

    // Early windows double, so that a young flow's verdict improves fast at little cost.
    next.asked = true;
    next.packets = packets + std::min(packets, model.policy.hop_packets);
    next.time_ms = age_ms + static_cast<uint32_t>(model.policy.hop_us / kUsPerMs);
    enqueue({id, state.serial, static_cast<uint8_t>(slot), side, now_us}, state, next);
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
