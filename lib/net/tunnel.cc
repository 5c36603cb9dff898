#include "net/tunnel.h"

#include "net/byte_order.h"
#include "net/link_layer.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

constexpr int kMaxGtpuExtensions = 8;

// EtherTypes in GRE.
constexpr uint16_t kErspan2 = 0x88be;  // types I and II
constexpr uint16_t kErspan3 = 0x22eb;

}  // namespace

Step step_of_protocol(const Dissection& d) noexcept {
  switch (d.ip.protocol) {
    case kProtoGre: {
      const bool gre = d.options.enters(Tunnel::gre) || d.options.enters(Tunnel::erspan);
      return gre ? Step::gre : Step::done;
    }
    case kProtoIp4:
      return d.options.enters(Tunnel::ipip) ? Step::ip4 : Step::done;
    case kProtoIp6:
      return d.options.enters(Tunnel::ipip) ? Step::ip6 : Step::done;
    case kProtoEtherIp:
      return d.options.enters(Tunnel::etherip) ? Step::etherip : Step::done;
    case kProtoL2tp:
      return d.options.enters(Tunnel::l2tp) ? Step::l2tp_ip : Step::done;
    case kProtoMpls:
      return d.options.enters(Tunnel::mpls) ? Step::mpls : Step::done;
    default:
      return Step::done;
  }
}

// Not inlined: its many ports would only crowd parse(), which seldom asks.
[[gnu::noinline]] Step step_of_udp(const ParseOptions& options, uint16_t source,
                                   uint16_t destination) noexcept {
  // Some tunnels take any source port; of others answers come back from the port.
  const auto to = [&](Tunnel tunnel, uint16_t port) {
    return destination == port && options.enters(tunnel);
  };
  const auto either = [&](Tunnel tunnel, uint16_t port) {
    return (destination == port || source == port) && options.enters(tunnel);
  };
  if (to(Tunnel::vxlan, kPortVxlan) || to(Tunnel::vxlan, kPortVxlanLinux)) return Step::vxlan;
  if (to(Tunnel::geneve, kPortGeneve)) return Step::geneve;
  if (either(Tunnel::gtpu, kPortGtpu)) return Step::gtpu;
  if (to(Tunnel::tzsp, kPortTzsp)) return Step::tzsp;
  if (either(Tunnel::teredo, kPortTeredo)) return Step::teredo;
  if (to(Tunnel::gue, kPortGue)) return Step::gue;
  if (to(Tunnel::mpls, kPortMpls)) return Step::mpls;
  if (either(Tunnel::l2tp, kPortL2tp)) return Step::l2tp;
  return Step::done;
}

Step read_gre(Dissection& d) noexcept {
  if (const Step s = d.need(4); s != Step::done) return s;
  const uint16_t flags = load_be16(d.here());
  const uint16_t type = load_be16(d.here() + 2);
  const uint16_t version = flags & 0x0007;
  uint32_t length = 4;
  if (version == 0) {
    if ((flags & 0x4000) != 0) return Step::malformed;  // source routes, gone since RFC 2784
    length += (flags & 0x8000) != 0 ? 4 : 0;            // checksum
    length += (flags & 0x2000) != 0 ? 4 : 0;            // key
    length += (flags & 0x1000) != 0 ? 4 : 0;            // sequence number
  } else if (version == 1) {
    if ((flags & 0x1000) == 0) return Step::not_ip;  // an acknowledgement alone
    length += 8;                                     // key and sequence number
    length += (flags & 0x0080) != 0 ? 4 : 0;         // acknowledgement number
  } else {
    return Step::malformed;
  }
  if (const Step s = d.need(length); s != Step::done) return s;
  d.offset += length;
  if (type == kErspan2 || type == kErspan3) {
    if (!d.options.enters(Tunnel::erspan)) return Step::not_ip;
    if (type == kErspan3) return Step::erspan3;
    return (flags & 0x1000) != 0 ? Step::erspan2 : Step::ethernet;  // type I: not numbered
  }
  return d.options.enters(Tunnel::gre) ? step_of_ethertype(type) : Step::not_ip;
}

Step read_vxlan(Dissection& d) noexcept {
  if (const Step s = d.need(8); s != Step::done) return s;
  if ((d.here()[0] & 0x08) == 0) return Step::malformed;  // no network identifier
  d.offset += 8;
  return Step::ethernet;
}

Step read_geneve(Dissection& d) noexcept {
  if (const Step s = d.need(8); s != Step::done) return s;
  const uint8_t* p = d.here();
  if ((p[0] >> 6) != 0) return Step::malformed;
  if ((p[1] & 0x80) != 0) return Step::not_ip;  // control message
  const uint32_t length = 8 + (p[0] & 0x3fu) * 4u;
  const uint16_t type = load_be16(p + 2);
  if (const Step s = d.need(length); s != Step::done) return s;
  d.offset += length;
  return step_of_ethertype(type);
}

Step read_gtpu(Dissection& d) noexcept {
  if (const Step s = d.need(8); s != Step::done) return s;
  const uint8_t flags = d.here()[0];
  if ((flags & 0xf0) != 0x30) return Step::malformed;  // version 1, GTP
  if (d.here()[1] != 0xff) return Step::not_ip;        // signalling
  d.offset += 8;
  if ((flags & 0x07) == 0) return Step::ip;

  if (const Step s = d.need(4); s != Step::done) return s;
  uint8_t next = (flags & 0x04) != 0 ? d.here()[3] : 0;
  d.offset += 4;
  for (int i = 0; next != 0; ++i) {
    if (i == kMaxGtpuExtensions) return Step::malformed;
    if (const Step s = d.need(1); s != Step::done) return s;
    const uint32_t length = d.here()[0] * 4u;
    if (length == 0) return Step::malformed;
    if (const Step s = d.need(length); s != Step::done) return s;
    next = d.here()[length - 1];
    d.offset += length;
  }
  return Step::ip;
}

Step read_teredo(Dissection& d) noexcept {
  if (const Step s = d.need(2); s != Step::done) return s;
  if (load_be16(d.here()) == 1) {  // authentication: two lengths, identifier, value, nonce, answer
    if (const Step s = d.need(4); s != Step::done) return s;
    const uint32_t length = 4u + d.here()[2] + d.here()[3] + 8 + 1;
    if (const Step s = d.need(length + 2); s != Step::done) return s;
    d.offset += length;
  }
  if (load_be16(d.here()) == 0) {  // origin: port and address
    if (const Step s = d.need(8); s != Step::done) return s;
    d.offset += 8;
  }
  if (const Step s = d.need(1); s != Step::done) return s;
  return d.here()[0] >> 4 == 6 ? Step::ip6 : Step::not_ip;
}

Step read_gue(Dissection& d) noexcept {
  if (const Step s = d.need(4); s != Step::done) return s;
  const uint8_t* p = d.here();
  const uint8_t version = p[0] >> 6;
  if (version == 1) return Step::ip;  // whose own version starts with the same two bits
  if (version != 0) return Step::malformed;
  if ((p[0] & 0x20) != 0) return Step::not_ip;  // control message
  const uint32_t length = 4 + (p[0] & 0x1fu) * 4u;
  const uint8_t protocol = p[1];
  if (const Step s = d.need(length); s != Step::done) return s;
  d.offset += length;
  switch (protocol) {
    case kProtoIp4:
      return Step::ip4;
    case kProtoIp6:
      return Step::ip6;
    case kProtoGre:
      return Step::gre;
    case kProtoEtherIp:
      return Step::etherip;
    case kProtoMpls:
      return Step::mpls;
    default:
      return Step::not_ip;
  }
}

Step read_etherip(Dissection& d) noexcept {
  if (const Step s = d.need(2); s != Step::done) return s;
  if (d.here()[0] >> 4 != 3) return Step::malformed;  // version
  d.offset += 2;
  return Step::ethernet;
}

}  // namespace flowmark
