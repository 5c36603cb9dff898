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
constexpr uint32_t kVlan = 4;
constexpr uint32_t kIp4 = 20;
constexpr uint32_t kIp6 = 40;
constexpr uint32_t kTcp = 20;
constexpr uint32_t kUdp = 8;
constexpr uint16_t kTypeIp4 = 0x0800;
constexpr uint16_t kTypeIp6 = 0x86dd;
constexpr uint16_t kTypeVlan = 0x8100;
constexpr size_t kPrefetchAhead = 4;

// The short way: nearly every packet of a gateway is Ethernet, perhaps with one VLAN tag, then IPv4
// without options or IPv6 without extension headers, unfragmented, then TCP or UDP. It answers only
// where nothing at all is odd, and then as dissect() would without tunnels; false leaves `out` to
// that.

// Header and flags of TCP or UDP; `length` bytes of the datagram start at `l4`, and at least as
// many of the frame's as a TCP header has can be read.
inline bool plain_transport(const Packet& packet, uint32_t l4, uint32_t length, uint8_t protocol,
                            ParsedPacket& out) noexcept {
  const uint8_t* p = packet.data + l4;
  if (protocol == kProtoTcp) {
    const uint32_t header = (p[12] >> 4) * 4u;
    if (header < kTcp || header > length || l4 + header > packet.wire_length) return false;
    out.tcp_flags = p[13];
    out.pure_ack = (p[13] & 0x17) == 0x10 && header == length;  // ACK; no FIN, SYN, RST
    return true;
  }
  if (protocol != kProtoUdp || length < kUdp) return false;
  const uint16_t udp_length = load_be16(p + 4);
  out.tcp_flags = 0;
  out.pure_ack = false;
  return udp_length == 0 || udp_length >= kUdp;
}

inline bool plain_ip4(const Packet& packet, uint32_t l3, ParsedPacket& out) noexcept {
  if (packet.head_length < l3 + kIp4 + kTcp) return false;
  const uint8_t* ip = packet.data + l3;
  const uint32_t total = load_be16(ip + 2);
  if (ip[0] != 0x45 || (load_be16(ip + 6) & 0x3fff) != 0 || total < kIp4) return false;
  const uint32_t l4 = l3 + kIp4;
  if (!plain_transport(packet, l4, total - kIp4, ip[9], out)) return false;
  const uint8_t* ports = packet.data + l4;
  out.from_a =
      order_endpoints4(ip + 12, be16_t(load_be16(ports)), be16_t(load_be16(ports + 2)), out.key);
  out.key.protocol = ip[9];
  out.ip_version = 4;
  out.traffic_class = ip[1];
  out.l4_offset = static_cast<uint16_t>(l4);
  out.ip_length = static_cast<uint16_t>(total);
  return true;
}

inline bool plain_ip6(const Packet& packet, uint32_t l3, ParsedPacket& out) noexcept {
  if (packet.head_length < l3 + kIp6 + kTcp) return false;
  const uint8_t* ip = packet.data + l3;
  const uint32_t payload = load_be16(ip + 4);
  if (ip[0] >> 4 != 6 || payload + kIp6 > 0xffff) return false;
  const uint32_t l4 = l3 + kIp6;
  if (!plain_transport(packet, l4, payload, ip[6], out)) return false;
  const uint8_t* ports = packet.data + l4;
  out.from_a =
      order_endpoints6(ip + 8, be16_t(load_be16(ports)), be16_t(load_be16(ports + 2)), out.key);
  out.key.protocol = ip[6];
  out.ip_version = 6;
  out.traffic_class = static_cast<uint8_t>((ip[0] << 4) | (ip[1] >> 4));
  out.l4_offset = static_cast<uint16_t>(l4);
  out.ip_length = static_cast<uint16_t>(payload + kIp6);
  return true;
}

inline bool parse_plain(const Packet& packet, ParsedPacket& out) noexcept {
  if (packet.link != LinkType::ethernet || packet.head_length < kMac + kVlan) return false;
  uint32_t l3 = kMac;
  uint16_t type = load_be16(packet.data + l3 - 2);
  if (type == kTypeVlan) {
    l3 += kVlan;
    type = load_be16(packet.data + l3 - 2);
  }
  const bool plain = type == kTypeIp4   ? plain_ip4(packet, l3, out)
                     : type == kTypeIp6 ? plain_ip6(packet, l3, out)
                                        : false;
  if (!plain) return false;
  out.key.zone = 0;
  out.key.reserved = 0;
  out.status = ParseStatus::ok;
  out.fragment = Fragment::none;
  out.mark_offset = static_cast<uint16_t>(l3);
  out.l3_offset = static_cast<uint16_t>(l3);
  out.fragment_id = 0;
  return true;
}

/// Whether a packet that was read the short way is a tunnel's, to be looked into.
inline bool announces_tunnel(const Packet& packet, const ParseOptions& options,
                             const ParsedPacket& plain) noexcept {
  if (!options.enters_udp() || plain.key.protocol != kProtoUdp) return false;
  const uint8_t* ports = packet.data + plain.l4_offset;
  return step_of_udp(options, load_be16(ports), load_be16(ports + 2)) != Step::done;
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
    case LinkType::dsa:
      return "Ethernet with a switch's tag";
    case LinkType::dsa_before:
      return "Ethernet behind a switch's tag";
  }
  return "?";
}

const char* to_string(Tunnel tunnel) noexcept {
  switch (tunnel) {
    case Tunnel::vxlan:
      return "vxlan";
    case Tunnel::gre:
      return "gre";
    case Tunnel::geneve:
      return "geneve";
    case Tunnel::gtpu:
      return "gtpu";
    case Tunnel::ipip:
      return "ipip";
    case Tunnel::erspan:
      return "erspan";
    case Tunnel::tzsp:
      return "tzsp";
    case Tunnel::teredo:
      return "teredo";
    case Tunnel::gue:
      return "gue";
    case Tunnel::mpls:
      return "mpls";
    case Tunnel::l2tp:
      return "l2tp";
    case Tunnel::etherip:
      return "etherip";
  }
  return "?";
}

std::vector<std::string> tunnel_names() {
  std::vector<std::string> names;
  for (int i = 0; i < kTunnelCount; ++i) names.emplace_back(to_string(static_cast<Tunnel>(i)));
  return names;
}

void parse(const Packet& packet, const ParseOptions& options, ParsedPacket& out) noexcept {
  if (parse_plain(packet, out) && !announces_tunnel(packet, options, out)) return;
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
