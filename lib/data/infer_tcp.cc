#include "data/infer_tcp.h"

#include <algorithm>
#include <array>
#include <optional>

namespace flowmark {
namespace {

struct IpVersion {
  uint16_t least_syn, most_syn;  ///< IP total length with some, with all usual options, bytes
  std::array<uint16_t, 2> ack;   ///< without and with timestamps (RFC 7323)
};
constexpr IpVersion kVersions[] = {{44, 64, {40, 52}}, {64, 84, {60, 72}}};

/// The length of a bare header in a flow that begins with SYN, SYN-ACK, ACK.
std::optional<uint16_t> bare_header(const std::vector<FlowPacket>& packets) {
  if (packets.empty()) return std::nullopt;
  const Direction asker = packets.front().direction;  // with addresses of an inside also down
  const auto is_of_asker = [asker](const FlowPacket& packet) { return packet.direction == asker; };
  const auto answer = std::find_if_not(packets.begin(), packets.end(), is_of_asker);
  const auto ack = std::find_if(answer, packets.end(), is_of_asker);
  if (ack == packets.end()) return std::nullopt;
  for (const IpVersion& version : kVersions) {
    const auto is_syn = [&](const FlowPacket& packet) {
      return packet.size >= version.least_syn && packet.size <= version.most_syn;
    };
    // Either side may have asked more than once.
    if (std::all_of(packets.begin(), ack, is_syn) && std::ranges::count(version.ack, ack->size)) {
      return ack->size;
    }
  }
  return std::nullopt;
}

}  // namespace

void infer_tcp(RecordedFlow& flow) {
  if (flow.attributes.contains("transport")) return;
  if (std::ranges::any_of(flow.packets, &FlowPacket::pure_ack)) return;
  const std::optional<uint16_t> bare = bare_header(flow.packets);
  flow.attributes["transport"] = bare ? "tcp" : "udp";
  if (!bare) return;
  // A block of RFC 2018 has 8 bytes, and 4 come before the first.
  const std::array<int, 4> options{0, 12, 20, 28};
  bool is_open = false;  // behind the handshake, whose last packet is bare
  for (FlowPacket& packet : flow.packets) {
    is_open = is_open || packet.size == *bare;
    packet.pure_ack = is_open && std::ranges::count(options, packet.size - *bare) > 0;
  }
}

}  // namespace flowmark
