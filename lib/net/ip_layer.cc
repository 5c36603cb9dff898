#include "net/ip_layer.h"

#include <algorithm>

#include "net/byte_order.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

constexpr uint32_t kIp4Header = 20;
constexpr uint32_t kIp6Header = 40;

// The first IP header of the frame is the one to mark, whatever comes of the rest.
void note_outermost(Dissection& d, uint8_t version, uint8_t traffic_class) noexcept {
  if (d.out.ip_version != 0) return;
  d.out.ip_version = version;
  d.out.traffic_class = traffic_class;
  d.out.mark_offset = static_cast<uint16_t>(d.offset);
}

// Starts the header at the offset; `length` 0 means: to the end of what is around it.
void begin(Dissection& d, uint8_t version, uint32_t length) noexcept {
  if (length == 0) {
    length = d.end - d.offset;
  } else {
    d.end = std::min(d.end, d.offset + length);
  }
  d.ip = IpHeader{};
  d.ip.offset = d.offset;
  d.ip.version = version;
  d.ip.length = static_cast<uint16_t>(std::min<uint32_t>(length, 0xffff));
}

Step read_ip6_fragment(Dissection& d) noexcept {
  if (const Step s = d.need(8); s != Step::done) return s;
  const uint8_t* p = d.here();
  const uint16_t field = load_be16(p + 2);
  d.ip.protocol = p[0];
  d.offset += 8;
  if ((field & 0xfff8) != 0) {
    d.ip.fragment = Fragment::later;
  } else if ((field & 1) != 0) {
    d.ip.fragment = Fragment::first;
  } else {
    return Step::ip6_extension;  // a whole packet with a fragment header, RFC 6946
  }
  d.ip.fragment_id = load_be32(p + 4);
  return d.ip.fragment == Fragment::later ? Step::transport : Step::ip6_extension;
}

}  // namespace

Step read_ip(Dissection& d) noexcept {
  if (const Step s = d.need(1); s != Step::done) return s;
  switch (d.here()[0] >> 4) {
    case 4:
      return Step::ip4;
    case 6:
      return Step::ip6;
    default:
      return Step::malformed;
  }
}

Step read_ip4(Dissection& d) noexcept {
  if (const Step s = d.need(kIp4Header); s != Step::done) return s;
  const uint8_t* p = d.here();
  const uint32_t header = (p[0] & 0x0fu) * 4u;
  const uint32_t total = load_be16(p + 2);
  if (p[0] >> 4 != 4 || header < kIp4Header) return Step::malformed;
  if (total != 0 && total < header) return Step::malformed;
  if (const Step s = d.need(header); s != Step::done) return s;

  note_outermost(d, 4, p[1]);
  begin(d, 4, total);
  d.ip.protocol = p[9];
  const uint16_t fragment = load_be16(p + 6);
  if ((fragment & 0x3fff) != 0) {
    d.ip.fragment = (fragment & 0x1fff) != 0 ? Fragment::later : Fragment::first;
    d.ip.fragment_id = load_be16(p + 4);
  }
  d.offset += header;
  return Step::transport;
}

Step read_ip6(Dissection& d) noexcept {
  if (const Step s = d.need(kIp6Header); s != Step::done) return s;
  const uint8_t* p = d.here();
  if (p[0] >> 4 != 6) return Step::malformed;
  const uint32_t payload = load_be16(p + 4);
  // No payload length and an upper layer: a jumbogram (RFC 2675) or a capture before segmentation.
  const bool to_end = payload == 0 && p[6] != kProtoNone;

  note_outermost(d, 6, static_cast<uint8_t>((p[0] << 4) | (p[1] >> 4)));
  begin(d, 6, to_end ? 0 : payload + kIp6Header);
  d.ip.protocol = p[6];
  d.offset += kIp6Header;
  return Step::ip6_extension;
}

Step read_ip6_extension(Dissection& d) noexcept {
  switch (d.ip.protocol) {
    case kProtoHopByHop:
    case kProtoRouting:
    case kProtoDestination:
    case kProtoShim6:
      break;
    case kProtoFragment:
      return read_ip6_fragment(d);
    default:
      return Step::transport;
  }
  if (const Step s = d.need(2); s != Step::done) return s;
  const uint8_t* p = d.here();
  const uint32_t length = (p[1] + 1u) * 8u;
  if (const Step s = d.need(length); s != Step::done) return s;
  d.ip.protocol = p[0];
  d.offset += length;
  return Step::ip6_extension;
}

}  // namespace flowmark
