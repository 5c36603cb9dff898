#include "net/parse.h"

#include <algorithm>

#include "net/byte_order.h"
#include "net/dissect.h"
#include "net/endpoints.h"
#include "net/protocol.h"
#include "net/tunnel.h"

namespace flowmark {
namespace {

constexpr uint32_t kMac = 14;
constexpr uint32_t kIp = 20;
constexpr uint32_t kTcp = 20;
constexpr uint32_t kUdp = 8;
constexpr size_t kPrefetchAhead = 4;

/// Nearly every packet of a gateway: Ethernet, IPv4 without options or fragmentation, TCP or UDP,
/// no tunnel to enter. Answers only when nothing at all is odd, and then as dissect() would; false
/// leaves `out` to it.
inline bool parse_plain(const Packet& packet, const ParseOptions& options,
                        ParsedPacket& out) noexcept {
  if (packet.head_length < kMac + kIp + kTcp) return false;
  const uint8_t* ip = packet.data + kMac;
  const uint32_t total = load_be16(ip + 2);
  const uint8_t protocol = ip[9];
  const bool tcp = protocol == kProtoTcp;
  const uint32_t l4_header = tcp ? kTcp : kUdp;
  if (load_be16(packet.data + 12) != 0x0800 || ip[0] != 0x45) return false;
  if ((load_be16(ip + 6) & 0x3fff) != 0 || total < kIp + l4_header) return false;
  if (!tcp && protocol != kProtoUdp) return false;

  const uint8_t* l4 = ip + kIp;
  const uint16_t source_port = load_be16(l4);
  const uint16_t destination_port = load_be16(l4 + 2);
  out.pure_ack = false;
  out.tcp_flags = 0;
  if (tcp) {
    const uint32_t header = (l4[12] >> 4) * 4u;
    if (header < kTcp || kIp + header > total || kMac + kIp + header > packet.wire_length) {
      return false;
    }
    out.tcp_flags = l4[13];
    out.pure_ack = (l4[13] & 0x17) == 0x10 && kIp + header == total;  // ACK; no FIN, SYN, RST
  } else {
    const uint16_t length = load_be16(l4 + 4);
    if (length != 0 && length < kUdp) return false;
    if (step_of_udp(options, source_port, destination_port) != Step::done) return false;
  }

  out.from_a = order_endpoints4(ip + 12, be16_t(source_port), be16_t(destination_port), out.key);
  out.key.protocol = protocol;
  out.key.zone = 0;
  out.key.reserved = 0;
  out.status = ParseStatus::ok;
  out.fragment = Fragment::none;
  out.ip_version = 4;
  out.traffic_class = ip[1];
  out.mark_offset = kMac;
  out.l3_offset = kMac;
  out.l4_offset = kMac + kIp;
  out.ip_length = static_cast<uint16_t>(total);
  out.fragment_id = 0;
  return true;
}

}  // namespace

const char* to_string(ParseStatus status) noexcept {
  switch (status) {
    case ParseStatus::ok:
      return "ok";
    case ParseStatus::not_ip:
      return "not_ip";
    case ParseStatus::truncated:
      return "truncated";
    case ParseStatus::malformed:
      return "malformed";
  }
  return "?";
}

const char* to_string(LinkType link) noexcept {
  switch (link) {
    case LinkType::ethernet:
      return "Ethernet";
    case LinkType::raw_ip:
      return "raw IP";
    case LinkType::linux_sll:
      return "Linux cooked";
    case LinkType::linux_sll2:
      return "Linux cooked 2";
    case LinkType::bsd_loopback:
      return "BSD loopback";
    case LinkType::ppp:
      return "PPP";
  }
  return "?";
}

void parse(const Packet& packet, const ParseOptions& options, ParsedPacket& out) noexcept {
  if (packet.link == LinkType::ethernet && parse_plain(packet, options, out)) return;
  dissect(packet, options, out);
}

void parse(std::span<const Packet> packets, const ParseOptions& options,
           std::span<ParsedPacket> out) noexcept {
  const size_t n = std::min(packets.size(), out.size());
  for (size_t i = 0; i < std::min(n, kPrefetchAhead); ++i) __builtin_prefetch(packets[i].data);
  for (size_t i = 0; i < n; ++i) {
    if (i + kPrefetchAhead < n) __builtin_prefetch(packets[i + kPrefetchAhead].data);
    parse(packets[i], options, out[i]);
  }
}

}  // namespace flowmark
