#include "net/tunnel.h"

#include "net/byte_order.h"
#include "net/link_layer.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

constexpr int kMaxGtpuExtensions = 8;

}  // namespace

Step step_of_protocol(const Dissection& d) noexcept {
  switch (d.ip.protocol) {
    case kProtoGre:
      return d.options.inside_gre ? Step::gre : Step::done;
    case kProtoIp4:
      return d.options.inside_ipip ? Step::ip4 : Step::done;
    case kProtoIp6:
      return d.options.inside_ipip ? Step::ip6 : Step::done;
    default:
      return Step::done;
  }
}

Step step_of_udp(const ParseOptions& options, uint16_t source, uint16_t destination) noexcept {
  if (options.inside_vxlan && (destination == kPortVxlan || destination == kPortVxlanLinux)) {
    return Step::vxlan;
  }
  if (options.inside_geneve && destination == kPortGeneve) return Step::geneve;
  if (options.inside_gtpu && (destination == kPortGtpu || source == kPortGtpu)) return Step::gtpu;
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
  return step_of_ethertype(type);
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

}  // namespace flowmark
