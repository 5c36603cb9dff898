#include "net/fabric.h"

#include "net/byte_order.h"
#include "net/link_layer.h"
#include "net/probe.h"

namespace flowmark {
namespace {

constexpr uint32_t kAddresses = 12;
constexpr uint32_t kSwitchTag = 4;

}  // namespace

Step read_tag(Dissection& d, uint32_t bytes) noexcept {
  if (const Step s = d.need(bytes + 2); s != Step::done) return s;
  const uint16_t type = load_be16(d.here() + bytes);
  d.offset += bytes + 2;
  return step_of_type(type);
}

Step read_dsa(Dissection& d) noexcept {
  if (const Step s = d.need(kAddresses + kSwitchTag + 2); s != Step::done) return s;
  const uint16_t type = load_be16(d.here() + kAddresses + kSwitchTag);
  d.offset += kAddresses + kSwitchTag + 2;
  return step_of_type(type);
}

Step read_dsa_before(Dissection& d) noexcept {
  if (const Step s = d.need(kSwitchTag); s != Step::done) return s;
  d.offset += kSwitchTag;
  return Step::ethernet;
}

Step read_switch_tag(Dissection& d) noexcept {
  // The offset is behind what would be the EtherType: half of the tag.
  uint32_t ip_at = 0;
  const Step found = probe_ethertype(d, d.offset + kSwitchTag / 2, ip_at);
  if (found == Step::ip) d.offset = ip_at;
  return found;
}

Step read_nsh(Dissection& d) noexcept {
  if (const Step s = d.need(8); s != Step::done) return s;
  const uint8_t* p = d.here();
  const uint32_t length = (p[1] & 0x3fu) * 4u;
  if (p[0] >> 6 != 0 || length < 8) return Step::malformed;
  const uint8_t next = p[3];
  if (const Step s = d.need(length); s != Step::done) return s;
  d.offset += length;
  switch (next) {
    case 1:
      return Step::ip4;
    case 2:
      return Step::ip6;
    case 3:
      return Step::ethernet;
    case 4:
      return Step::nsh;
    case 5:
      return Step::mpls;
    default:
      return Step::not_ip;
  }
}

Step read_pbb(Dissection& d) noexcept {
  if (const Step s = d.need(4); s != Step::done) return s;
  d.offset += 4;  // priority and service identifier
  return Step::ethernet;
}

Step read_fabricpath(Dissection& d) noexcept {
  if (const Step s = d.need(2); s != Step::done) return s;
  d.offset += 2;  // forwarding tag and time to live
  return Step::ethernet;
}

}  // namespace flowmark
