#include "net/l2tp.h"

#include "net/byte_order.h"
#include "net/probe.h"

namespace flowmark {
namespace {

constexpr uint32_t kLongestPadding = 1024;
constexpr uint32_t kToEthertype = 12;

// Flags of the first two bytes.
constexpr uint16_t kControlMessage = 0x8000;
constexpr uint16_t kHasLength = 0x4000;
constexpr uint16_t kHasSequence = 0x0800;
constexpr uint16_t kHasOffset = 0x0200;

Step read_version2(Dissection& d, uint16_t flags) noexcept {
  uint32_t length = 2 + 4;  // flags, tunnel, session
  length += (flags & kHasLength) != 0 ? 2 : 0;
  length += (flags & kHasSequence) != 0 ? 4 : 0;
  if ((flags & kHasOffset) != 0) {
    if (const Step s = d.need(length + 2); s != Step::done) return s;
    const uint32_t padding = load_be16(d.here() + length);
    if (padding > kLongestPadding) return Step::malformed;
    length += 2 + padding;
  }
  if (const Step s = d.need(length); s != Step::done) return s;
  d.offset += length;
  return Step::ppp;
}

// Both ends know the length of the cookie (0, 4 or 8 bytes), whether a sublayer of 4 bytes follows
// it and what the session carries. The packet says none of it: the first place where an Ethernet
// frame with IP or an IP header fits is taken.
Step read_session(Dissection& d) noexcept {
  for (const uint32_t skipped : {0u, 4u, 8u, 12u}) {
    const uint32_t at = d.offset + skipped;
    uint32_t ip_at = 0;
    Step found = probe_ethertype(d, at + kToEthertype, ip_at);
    if (found == Step::ip) {
      d.offset = at;
      return Step::ethernet;
    }
    if (found == Step::not_ip) found = probe_ip(d, at);
    if (found == Step::not_ip) continue;
    if (found == Step::ip) d.offset = at;
    return found;
  }
  return Step::not_ip;
}

}  // namespace

Step read_l2tp(Dissection& d) noexcept {
  if (const Step s = d.need(2); s != Step::done) return s;
  const uint16_t flags = load_be16(d.here());
  if ((flags & kControlMessage) != 0) return Step::not_ip;
  const uint16_t version = flags & 0x000f;
  if (version == 2) return read_version2(d, flags);
  if (version != 3) return Step::malformed;
  if (const Step s = d.need(8); s != Step::done) return s;
  d.offset += 8;  // flags, reserved, session
  return read_session(d);
}

Step read_l2tp_ip(Dissection& d) noexcept {
  if (const Step s = d.need(4); s != Step::done) return s;
  if (load_be32(d.here()) == 0) return Step::not_ip;  // a control message
  d.offset += 4;
  return read_session(d);
}

}  // namespace flowmark
