#include "net/transport.h"

#include <algorithm>

#include "net/byte_order.h"
#include "net/endpoints.h"
#include "net/protocol.h"
#include "net/tunnel.h"

namespace flowmark {
namespace {

constexpr uint8_t kNotPureAck = 0x07;  // FIN, SYN, RST
constexpr uint8_t kAck = 0x10;
constexpr uint32_t kFragmentUnit = 8;

// Bytes of the fixed header of a protocol whose ports come first; 0 for portless ones.
uint32_t header_bytes(uint8_t protocol) noexcept {
  switch (protocol) {
    case kProtoTcp:
      return 20;
    case kProtoUdp:
    case kProtoUdpLite:
      return 8;
    case kProtoSctp:
    case kProtoDccp:
      return 12;
    default:
      return 0;
  }
}

struct Ports {
  be16_t source, destination;
};

void commit(Dissection& d, Ports ports) noexcept {
  const IpHeader& ip = d.ip;
  ParsedPacket& out = d.out;
  const uint8_t* header = d.data + ip.offset;
  out.key.protocol = ip.protocol;
  if (ip.version == 4) {
    out.from_a = order_endpoints4(header + 12, ports.source, ports.destination, out.key);
  } else {
    out.from_a = order_endpoints6(header + 8, ports.source, ports.destination, out.key);
  }
  out.pure_ack = false;
  out.tcp_flags = 0;
  out.fragment = ip.fragment;
  out.fragment_id = ip.fragment_id;
  out.l3_offset = static_cast<uint16_t>(ip.offset);
  out.l4_offset = static_cast<uint16_t>(d.offset);
  out.ip_length = ip.length;
  d.has_flow = true;
}

Step read_tcp(Dissection& d, const uint8_t* p) noexcept {
  const uint32_t header = (p[12] >> 4) * 4u;
  const uint32_t in_datagram = d.end - d.offset;
  if (header < 20) return Step::malformed;
  if (header > in_datagram && d.ip.fragment == Fragment::none) return Step::malformed;
  commit(d, {be16_t(load_be16(p)), be16_t(load_be16(p + 2))});
  d.out.tcp_flags = p[13];
  const uint32_t headers = d.offset - d.ip.offset + header;
  d.out.pure_ack = (p[13] & kAck) != 0 && (p[13] & kNotPureAck) == 0 && d.ip.length == headers;
  return Step::done;
}

}  // namespace

Step read_transport(Dissection& d) noexcept {
  const uint32_t header = header_bytes(d.ip.protocol);
  if (d.ip.fragment == Fragment::later) {
    commit(d, {});
    return Step::done;
  }
  if (header == 0) {
    commit(d, {});
    return step_of_protocol(d);
  }
  // A first fragment may end inside the TCP header, though not before its ports: fragments are
  // multiples of 8 bytes.
  const uint32_t there = std::max(d.end - d.offset, kFragmentUnit);
  const bool cut_by_fragmentation = d.ip.fragment == Fragment::first && there < header;
  if (const Step s = d.need(cut_by_fragmentation ? there : header); s != Step::done) return s;
  const uint8_t* p = d.here();
  if (d.ip.protocol == kProtoTcp && !cut_by_fragmentation) return read_tcp(d, p);

  const Ports ports{be16_t(load_be16(p)), be16_t(load_be16(p + 2))};
  if (d.ip.protocol != kProtoUdp) {
    commit(d, ports);
    return Step::done;
  }
  const uint16_t length = load_be16(p + 4);
  if (length != 0 && length < 8) return Step::malformed;
  commit(d, ports);
  const Step tunnel = step_of_udp(d.options, ports.source.host(), ports.destination.host());
  if (tunnel != Step::done) d.offset += 8;
  return tunnel;
}

}  // namespace flowmark
