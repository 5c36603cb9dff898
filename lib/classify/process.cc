// The packets' way: parse, find flows, record, queue what is due, mark.
#include <algorithm>
#include <bit>

#include "classify/classifier_impl.h"
#include "mark/marker.h"

namespace flowmark {
namespace {

constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04;
constexpr uint32_t kAdoptionsPerBurst = 2;
constexpr size_t kPacketsAhead = 8;  // whose first bytes are being fetched
constexpr size_t kTagsAhead = 4;     // whose tags of the flow table are
constexpr size_t kLooksAhead = 8;    // whose flow is, if it will be looked at

}  // namespace

// Stage by stage over the whole burst, each fetching what the next one touches.
void Classifier::Impl::process(std::span<Packet> packets, std::span<bool> marked) noexcept {
  std::ranges::fill(marked, false);
  if (packets.empty()) return;
  const size_t count = find_flows(packets);
  adoptions_left = kAdoptionsPerBurst;
  for (size_t k = 0; k < count; ++k) {
    if (k + kLooksAhead < count)
      fetch_for_look(ids[k + kLooksAhead], parsed[places[k + kLooksAhead]]);
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

// Fetches what a look at a flow touches if its next packet, this one, brings one about.
void Classifier::Impl::fetch_for_look(FlowId id, const ParsedPacket& next) const noexcept {
  if (id == kNoFlow) return;
  const FlowEntry& entry = table[id];
  if (entry.state == nullptr) return;
  const bool up = next.from_a == ((entry.flags & kUpIsA) != 0);
  const Staging& staging = entry.staging;
  if (staging.left[up ? 0 : 1] != 1 && entry.left != 1 && !is_late(staging) &&
      staging.count + 1U != FlowState::kStaged) {
    return;
  }
  const auto* block = static_cast<const std::byte*>(entry.state);
  for (size_t at = offsetof(FlowState, windows); at < layout.bytes; at += 64) {
    __builtin_prefetch(block + at, 1);
  }
}

bool Classifier::Impl::is_late(const Staging& staging) const noexcept {
  return static_cast<int32_t>(table.now_ms() - staging.look_ms) >= 0;
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
    hashes[count] = table.hash_of(parsed[i].key);
    table.prefetch(hashes[count]);
    if (count >= kTagsAhead) ids[count - kTagsAhead] = table.expect(hashes[count - kTagsAhead]);
    places[count++] = static_cast<uint8_t>(i);
  }
  for (size_t k = count - std::min(count, kTagsAhead); k < count; ++k) {
    ids[k] = table.expect(hashes[k]);
  }
  counters.packets.add(packets.size());
  counters.bytes.add(bytes);
  table.find_or_insert_expected(std::span(keys).first(count), std::span(hashes).first(count),
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

// The flow's entry and the place of the record are all that a packet touches as a rule.
void Classifier::Impl::record(FlowId id, const Packet& packet, const ParsedPacket& p) noexcept {
  FlowEntry& entry = table[id];
  if (entry.packets == 0 && up_is_a(packet, p)) entry.flags |= kUpIsA;
  entry.packets = static_cast<uint8_t>(entry.packets + (entry.packets != UINT8_MAX));
  if ((p.tcp_flags & (kTcpFin | kTcpRst | kTcpSyn)) != 0) [[unlikely]] {
    if ((p.tcp_flags & (kTcpFin | kTcpRst)) != 0) {
      entry.flags |= kClosing;
    } else {
      entry.flags &= static_cast<uint8_t>(~kClosing);  // the ports are used again
    }
  }
  const bool up = p.from_a == ((entry.flags & kUpIsA) != 0);
  const PacketRecord now = make_record(static_cast<uint32_t>(packet.time_us), p.ip_length,
                                       up ? Direction::up : Direction::down, p.pure_ack);
  const bool ready =
      entry.state != nullptr && entry.staging.epoch == static_cast<uint8_t>(layout.epoch);
  if (!ready && !make_ready(id, now, packet.time_us)) [[unlikely]]
    return;
  stage(id, now, packet.time_us);
}

// Gives a flow a state that is made for the present models. False if it cannot take the packet.
bool Classifier::Impl::make_ready(FlowId id, PacketRecord packet, TimeUs time_us) noexcept {
  FlowEntry& entry = table[id];
  if (models == nullptr) {
    counters.bypassed[static_cast<size_t>(Bypass::no_model)].add();
    return false;
  }
  if (entry.state != nullptr) {
    if (!current(*static_cast<FlowState*>(entry.state)) && adoptions_left > 0) {
      --adoptions_left;
      adopt(id);
    }
    return true;
  }
  if (entry.packets == 1 && !options.windows_at_once) {
    entry.first = packet;
    return false;
  }
  const bool has_first = entry.packets == 2 && !options.windows_at_once;
  const PacketRecord first = has_first ? entry.first : packet;
  FlowState* state = start_state(first, time_us);
  if (state == nullptr && make_way(id)) state = start_state(first, time_us);
  if (state == nullptr) {
    entry.first = first;
    counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
    return false;
  }
  entry.state = state;
  entry.staging = {};
  entry.staging.epoch = static_cast<uint8_t>(layout.epoch);
  look_again(entry);
  if (has_first) *entry.next_record() = first, ++entry.staging.count;
  return true;
}

FlowState* Classifier::Impl::start_state(const PacketRecord& first, TimeUs now_us) noexcept {
  FlowState* state = create_state(layout, models, pool);
  if (state == nullptr) return nullptr;
  // The first record may be older than this packet; its 32 bits tell by how much.
  state->start_us = now_us - static_cast<uint32_t>(static_cast<uint32_t>(now_us) - first.time_us);
  state->last_us = state->start_us;
  state->serial = next_serial++;
  state->plan = plans.back().epoch;
  ++plans.back().flows;
  return state;
}

void Classifier::Impl::stage(FlowId id, PacketRecord packet, TimeUs time_us) noexcept {
  FlowEntry& entry = table[id];
  Staging& staging = entry.staging;
  if (staging.count == FlowState::kStaged) [[unlikely]] {
    hand_on(id, *static_cast<FlowState*>(entry.state));
  }
  *entry.next_record() = packet;
  if (++staging.count == FlowState::kStaged) [[unlikely]]
    full_stages[full_stage_count++] = id;
  const uint8_t of_its_own = --staging.left[packet.direction];
  const uint8_t of_both = --entry.left;
  if (of_its_own == 0 || of_both == 0 || is_late(staging)) [[unlikely]]
    look(id, packet.direction, time_us);
}

// Brings the numbers of a flow up to its newest packet.
FlowState& Classifier::Impl::count_staged(FlowEntry& entry) noexcept {
  auto& state = *static_cast<FlowState*>(entry.state);
  const auto fresh =
      std::span<const PacketRecord>(state.staged).first(entry.staging.count).subspan(state.counted);
  state.counted = entry.staging.count;
  uint64_t bytes = 0;
  std::array<uint32_t, 2> packets{};
  for (const PacketRecord& record : fresh) {
    bytes += record.size;
    ++packets[record.direction];
    const uint32_t gap = record.time_us - static_cast<uint32_t>(state.last_us);
    if (gap <= FlowWindows::kMaxGapUs) state.last_us += gap;
  }
  for (size_t side = 0; side < 2; ++side) {
    state.packets[side] += std::min(packets[side], UINT32_MAX - state.packets[side]);
  }
  state.bytes += bytes;
  if (state.has_verdict() && current(state)) count_classes(state, fresh.size(), bytes);
  return state;
}

void Classifier::Impl::count_classes(FlowState& state, uint64_t packets, uint64_t bytes) noexcept {
  for (size_t slot = 0; slot < layout.slots.size(); ++slot) {
    const uint8_t c = state.standing[slot];
    if (c == kNoClass) continue;
    ModelCounters& of_model = counters.models[slot];
    if (c != kSetOfClasses) {
      of_model.packets[c].add(packets);
      of_model.bytes[c].add(bytes);
      continue;
    }
    for (uint32_t labels = layout.labels(state, slot); labels != 0; labels &= labels - 1) {
      const auto label = static_cast<size_t>(std::countr_zero(labels));
      of_model.packets[label].add(packets);
      of_model.bytes[label].add(bytes);
    }
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
    const FlowEntry& entry = table[id];
    if (entry.state == nullptr || entry.staging.count != FlowState::kStaged) continue;
    hand_on(id, *static_cast<FlowState*>(entry.state));
  }
}

// Staged records become part of the windows, which are made now if there are none yet.
void Classifier::Impl::hand_on(FlowId id, FlowState& state) noexcept {
  FlowEntry& entry = table[id];
  count_staged(entry);
  const auto staged = std::span<const PacketRecord>(state.staged).first(entry.staging.count);
  entry.staging.count = 0;
  state.counted = 0;
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
