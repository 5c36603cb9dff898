// The packets' way: parse, find flows, record. Marks are written in mark_packet.cc.
#include <algorithm>

#include "classify/classifier_impl.h"
#include "mark/marker.h"

namespace flowmark {
namespace {

constexpr size_t kPacketsAhead = 8;  // whose first bytes are being fetched
constexpr size_t kGroup = 16;        // whose tags, and then entries, are fetched in one go
constexpr size_t kLooksAhead = 8;    // whose flow is, if it will be looked at

Direction direction_of(const FlowEntry& entry, const ParsedPacket& packet) noexcept {
  const bool up = packet.from_a == ((entry.flags & kUpIsA) != 0);
  return up ? Direction::up : Direction::down;
}

}  // namespace

// Stage by stage over the whole burst, each fetching what the next one touches.
void Classifier::Impl::process(std::span<Packet> packets, std::span<bool> marked) noexcept {
  std::ranges::fill(marked, false);
  if (packets.empty()) return;
  states.begin_burst(packets.size());
  const size_t count = find_flows(packets);
  for (size_t k = 0; k < count; ++k) {
    if (k + kLooksAhead < count)
      prefetch_look(ids[k + kLooksAhead], parsed[places[k + kLooksAhead]]);
    const size_t i = places[k];
    bool changed = false;
    if (ids[k] == kNoFlow) {
      counters.bypassed[static_cast<size_t>(Bypass::table_full)].add();
      changed = wash_unknown(packets[i], parsed[i]);
    } else {
      record(ids[k], packets[i], parsed[i]);
      if (table[ids[k]].mark != not_to_mark) changed = mark(ids[k], packets[i], parsed[i]);
    }
    if (changed && !marked.empty()) marked[i] = true;
    if (changed || parsed[i].traffic_class >> 2 != dscp::kDefault) {
      count_dscps(packets[i], parsed[i], changed);
    }
  }
  for (size_t port = 0; port < kMaxPorts; ++port) {
    counters.ports[port].dscp_change(dscp::kDefault, dscp::kDefault).add(at_default[port]);
  }
  states.end_burst();
}

// find_flows() has taken the packet for one of the many that come and leave with DF, which are
// added up a burst at a time.
void Classifier::Impl::count_dscps(const Packet& packet, const ParsedPacket& p,
                                   bool changed) noexcept {
  const size_t port = packet.port != 0;
  const Dscp received = p.traffic_class >> 2;
  const Dscp sent = changed ? read_dscp(packet, p) : received;
  --at_default[port];
  counters.ports[port].dscp_change(received, sent).add();
}

void Classifier::Impl::prefetch_look(FlowId id, const ParsedPacket& next) const noexcept {
  if (id == kNoFlow) return;
  const FlowEntry& entry = table[id];
  due.prefetch_look(entry, direction_of(entry, next));
}

// The flows of the packets that have one: `places` and `ids` say which and what.
size_t Classifier::Impl::find_flows(std::span<const Packet> packets) noexcept {
  std::array<const FlowKey*, kMaxBurst> keys;
  std::array<uint64_t, kMaxBurst> hashes;
  size_t count = 0, expected = 0, at_second_port = 0;
  uint64_t bytes = 0;
  const auto fetch = [packets](size_t i) {
    if (i < packets.size()) __builtin_prefetch(packets[i].data);
  };
  // The tags from `begin` on and the entries before. Many at a time with nothing between them: a
  // fetch waits for its page's address, and only so do these waits overlap.
  const auto fetch_flows = [&](size_t begin) {
    table.prefetch(std::span(hashes).subspan(begin, count - begin));
    const size_t known = begin - expected;
    table.expect(std::span(hashes).subspan(expected, known),
                 std::span(ids).subspan(expected, known));
    expected = begin;
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
    at_second_port += packets[i].port != 0;
    keys[count] = &parsed[i].key;
    hashes[count] = table.hash_of(parsed[i].key);
    places[count++] = static_cast<uint8_t>(i);
    if (count % kGroup == 0) fetch_flows(count - kGroup);
  }
  fetch_flows(count - count % kGroup);
  fetch_flows(count);
  static_assert(kMaxPorts == 2);
  at_default = {count - at_second_port, at_second_port};
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
  return p.from_a == source_began(p);
}

void Classifier::Impl::begin_flow(FlowEntry& entry, const Packet& packet,
                                  const ParsedPacket& p) noexcept {
  if (up_is_a(packet, p)) entry.flags |= kUpIsA;
  entry.aside.answers_first = !source_began(p);
  look_up_trust(entry, p.key);
}

void Classifier::Impl::look_up_trust(FlowEntry& entry, const FlowKey& key) const noexcept {
  entry.flags &= static_cast<uint8_t>(~(kTrustA | kTrustB));
  const std::vector<Prefix>& trusted = set->marking().trusted;
  if (trusted.empty()) return;
  if (contains(trusted, key.a)) entry.flags |= kTrustA;
  if (contains(trusted, key.b)) entry.flags |= kTrustB;
}

// A flow that came under earlier models is moved to the present ones with this packet, or a state
// is made for it, unless a policy says otherwise. False if it has none.
bool Classifier::Impl::make_ready(FlowId id, PacketRecord record, const Packet& packet,
                                  const ParsedPacket& p) noexcept {
  FlowEntry& entry = table[id];
  if (is_unasked(entry)) return pass_unasked(entry);
  if (entry.packets > 1) look_up_trust(entry, p.key);
  if (entry.state != nullptr) return move_state(id, record, packet, p);
  const Direction opener = opener_of(entry, p);
  const PolicyPlace place = find_policy(packet, p, (entry.flags & kUpIsA) != 0, opener);
  if (!begin_asking(id, place, opener, packet)) return pass_unasked(entry);
  if (!states.make_ready(id, record, packet.time_us)) return false;
  FlowState& state = *states.find(id);
  state.policy = place;
  state.began_down = opener == Direction::down;
  state.vlan = vlan_to_tell(packet) & FlowState::kNoVlan;
  if (!options.host_groups.empty())
    state.group = group_of(options.host_groups, (entry.flags & kUpIsA) != 0 ? p.key.a : p.key.b);
  return true;
}

// The same of a flow with a state: a few in each burst, the others wait for their turn.
bool Classifier::Impl::move_state(FlowId id, PacketRecord record, const Packet& packet,
                                  const ParsedPacket& p) noexcept {
  FlowEntry& entry = table[id];
  if (!states.has_turn(entry)) return states.make_ready(id, record, packet.time_us);
  const uint8_t mark_before = entry.mark;
  const bool had_verdict = states.find(id)->has_verdict();
  const bool keeps = states.keeps_verdicts(*states.find(id));
  if (!states.make_ready(id, record, packet.time_us)) return false;
  FlowState& state = *states.find(id);
  if (!states.is_current(state)) return true;
  const Direction opener = state.began_down != 0 ? Direction::down : Direction::up;
  const PolicyPlace place = find_policy(packet, p, (entry.flags & kUpIsA) != 0, opener);
  const PolicyEffect& effect = set->effect_of(place);
  state.policy = place;
  fix_mark(entry, effect);
  if (keeps) verdicts.take_over(id, mark_before);
  if (!effect.asks_models) stop_asking(id, place, packet);
  const bool loses_verdict = had_verdict && !effect.asks_models;
  if (loses_verdict || FlowNews::is_another_mark(mark_before, entry.mark)) {
    news.changed(id, mark_before, packet.time_us);
  }
  return effect.asks_models || pass_unasked(entry);
}

// The flow's entry, and of one packet in four the place of its record (of each one with IPv6), are
// all that it touches as a rule.
void Classifier::Impl::record(FlowId id, const Packet& packet, const ParsedPacket& p) noexcept {
  FlowEntry& entry = table[id];
  if (entry.packets == 0) begin_flow(entry, packet, p);
  entry.packets = static_cast<uint8_t>(entry.packets + (entry.packets != UINT8_MAX));
  if ((p.tcp_flags & (kTcpFin | kTcpRst | kTcpSyn)) != 0) [[unlikely]] {
    const bool is_closing = closes(p.tcp_flags, (entry.flags & kClosing) != 0);
    entry.flags = static_cast<uint8_t>((entry.flags & ~kClosing) | (is_closing ? kClosing : 0));
  }
  const Direction direction = direction_of(entry, p);
  entry.flags |= static_cast<uint8_t>(kSentUp << static_cast<unsigned>(direction));
  const PacketRecord now =
      make_record(static_cast<uint32_t>(packet.time_us), p.ip_length, direction, p.pure_ack);
  if (!states.is_ready(entry) && !make_ready(id, now, packet, p)) [[unlikely]]
    return;
  states.append(id, now);
  if (due.wants_look(entry, direction)) [[unlikely]]
    due.look(id, direction, packet.time_us);
}

}  // namespace flowmark
