#include "net/fragment_table.h"

#include <algorithm>
#include <bit>

namespace flowmark {
namespace {

// How long the pieces of a packet may be apart: what Linux waits for them (ipfrag_time).
constexpr TimeUs kMaxAgeUs = 30 * kUsPerSecond;

// What all fragments of a packet have in common. The protocol is left out for IPv6: a later
// fragment names the header that its fragment header precedes, not the upper layer (RFC 8200, 4.5).
FlowKey common_part(const ParsedPacket& packet) noexcept {
  FlowKey key = packet.key;
  key.a_port = key.b_port = be16_t{};
  if (!is_ipv4(key.a)) key.protocol = 0;
  return key;
}

// Source address first, unless both are equal: then nothing tells the directions apart.
bool source_is_a(const ParsedPacket& packet) noexcept {
  return packet.from_a || packet.key.a == packet.key.b;
}

}  // namespace

FragmentTable::FragmentTable(const HashSecret& secret, uint32_t entries)
    : secret_(secret), entries_(std::bit_ceil(std::clamp<uint32_t>(entries, 1, 1u << 30))) {}

void FragmentTable::resolve(ParsedPacket& packet, TimeUs now_us) noexcept {
  if (packet.fragment == Fragment::none || packet.status != ParseStatus::ok) return;
  const FlowKey portless = common_part(packet);
  const bool from_a = source_is_a(packet);
  FlowKey place = portless;
  place.a_port = be16_t(static_cast<uint16_t>(packet.fragment_id >> 16));
  place.b_port = be16_t(static_cast<uint16_t>(packet.fragment_id));
  place.reserved = from_a ? 0 : 1;
  Entry& entry = entries_[hash(place, secret_) & (entries_.size() - 1)];

  if (packet.fragment == Fragment::first) {
    entry = Entry{.portless = portless,
                  .full = packet.key,
                  .id = packet.fragment_id,
                  .source_is_a = from_a,
                  .full_from_a = packet.from_a,
                  .used = true,
                  .time_us = now_us};
    return;
  }
  // A replayed capture may step back in time: its fragments are as near as those ahead.
  const TimeUs age = now_us > entry.time_us ? now_us - entry.time_us : entry.time_us - now_us;
  if (!entry.used || entry.id != packet.fragment_id || entry.source_is_a != from_a ||
      !(entry.portless == portless) || age > kMaxAgeUs) {
    return;
  }
  packet.key = entry.full;
  packet.from_a = entry.full_from_a;
}

}  // namespace flowmark
