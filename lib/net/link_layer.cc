#include "net/link_layer.h"

#include "net/byte_order.h"
#include "net/probe.h"

namespace flowmark {
namespace {

constexpr uint32_t kMacHeader = 14;
constexpr uint16_t kFirstEthertype = 0x0600;  // below: an IEEE 802.3 length

Step step_of_ppp(uint16_t protocol) noexcept {
  switch (protocol) {
    case 0x0021:
      return Step::ip4;
    case 0x0057:
      return Step::ip6;
    case 0x0281:
    case 0x0283:
      return Step::mpls;
    default:
      return Step::not_ip;
  }
}

}  // namespace

Step first_step(LinkType link) noexcept {
  switch (link) {
    case LinkType::ethernet:
      return Step::ethernet;
    case LinkType::raw_ip:
      return Step::ip;
    case LinkType::linux_sll:
      return Step::linux_sll;
    case LinkType::linux_sll2:
      return Step::linux_sll2;
    case LinkType::bsd_loopback:
      return Step::bsd_loopback;
    case LinkType::ppp:
      return Step::ppp;
    case LinkType::dsa:
      return Step::dsa;
    case LinkType::dsa_before:
      return Step::dsa_before;
  }
  return Step::not_ip;
}

Step step_of_ethertype(uint16_t type) noexcept {
  switch (type) {
    case 0x0800:
      return Step::ip4;
    case 0x86dd:
      return Step::ip6;
    case 0x8100:  // 802.1Q
    case 0x88a8:  // 802.1ad
    case 0x9100:  // QinQ before 802.1ad
    case 0x9200:
    case 0x9300:
      return Step::vlan;
    case 0x8847:
    case 0x8848:
      return Step::mpls;
    case 0x8864:
      return Step::pppoe;
    case 0x6558:  // transparent Ethernet bridging
      return Step::ethernet;
    case 0x880b:
      return Step::ppp;
    case 0x88e7:  // 802.1ah
      return Step::pbb;
    case 0x8903:
      return Step::fabricpath;
    case 0x8909:
      return Step::cmd;
    case 0x8926:
      return Step::vn_tag;
    case 0x893f:
      return Step::e_tag;
    case 0x894f:
      return Step::nsh;
    case 0xdada:
      return Step::edsa;
    default:
      return Step::not_ip;
  }
}

Step step_of_type(uint16_t type) noexcept {
  return type < kFirstEthertype ? Step::snap : step_of_ethertype(type);
}

Step read_ethernet(Dissection& d) noexcept {
  if (const Step s = d.need(kMacHeader); s != Step::done) return s;
  const uint16_t type = load_be16(d.here() + 12);
  d.offset += kMacHeader;
  const Step next = step_of_type(type);
  return next == Step::not_ip ? Step::switch_tag : next;
}

Step read_vlan(Dissection& d) noexcept {
  if (const Step s = d.need(4); s != Step::done) return s;
  const uint16_t type = load_be16(d.here() + 2);
  d.offset += 4;
  return step_of_type(type);
}

Step read_snap(Dissection& d) noexcept {
  // Most 802.3 frames are not SNAP (spanning tree, ...): they are told apart before anything is
  // missed in them. What looks like a length may also be the first half of a switch's tag.
  if (d.need(3) == Step::done &&
      !(d.here()[0] == 0xaa && d.here()[1] == 0xaa && d.here()[2] == 0x03)) {
    return Step::switch_tag;
  }
  if (const Step s = d.need(8); s != Step::done) return s;
  const uint8_t* p = d.here();
  if ((p[3] | p[4] | p[5]) != 0) return Step::not_ip;  // another organisation's protocols
  d.offset += 8;
  return step_of_ethertype(load_be16(p + 6));
}

Step read_pppoe(Dissection& d) noexcept {
  if (const Step s = d.need(6); s != Step::done) return s;
  const uint8_t* p = d.here();
  if (p[0] != 0x11) return Step::malformed;  // version 1, type 1
  if (p[1] != 0) return Step::not_ip;        // no session data
  d.offset += 6;
  return Step::ppp;
}

Step read_ppp(Dissection& d) noexcept {
  if (const Step s = d.need(2); s != Step::done) return s;
  if (d.here()[0] == 0xff && d.here()[1] == 0x03) {
    d.offset += 2;
    if (const Step s = d.need(2); s != Step::done) return s;
  }
  if ((d.here()[0] & 1) != 0) {  // compressed protocol field, RFC 1661, 6.5
    const uint16_t protocol = d.here()[0];
    d.offset += 1;
    return step_of_ppp(protocol);
  }
  const uint16_t protocol = load_be16(d.here());
  d.offset += 2;
  return step_of_ppp(protocol);
}

Step read_mpls(Dissection& d) noexcept {
  if (const Step s = d.need(4); s != Step::done) return s;
  const bool bottom = (d.here()[2] & 1) != 0;
  d.offset += 4;
  if (!bottom) return Step::mpls;
  // The label stack does not say what it carries: the first four bits do (RFC 4928, RFC 4385).
  if (const Step s = d.need(1); s != Step::done) return s;
  switch (d.here()[0] >> 4) {
    case 4:
      return Step::ip4;
    case 6:
      return Step::ip6;
    case 0:  // the control word of an Ethernet pseudowire
      if (const Step s = d.need(4); s != Step::done) return s;
      d.offset += 4;
      return Step::ethernet;
    default:
      return Step::not_ip;
  }
}

Step read_linux_sll(Dissection& d) noexcept {
  if (const Step s = d.need(16); s != Step::done) return s;
  const uint16_t type = load_be16(d.here() + 14);
  d.offset += 16;
  return type < kFirstEthertype ? Step::not_ip : step_of_ethertype(type);
}

Step read_linux_sll2(Dissection& d) noexcept {
  if (const Step s = d.need(20); s != Step::done) return s;
  const uint16_t type = load_be16(d.here());
  d.offset += 20;
  return type < kFirstEthertype ? Step::not_ip : step_of_ethertype(type);
}

Step read_bsd_loopback(Dissection& d) noexcept {
  if (const Step s = d.need(4); s != Step::done) return s;
  uint32_t family = load_be32(d.here());
  // In the byte order of the machine that captured; families are small numbers.
  if (family > 0xffff) family = swap_bytes(family);
  d.offset += 4;
  if (family >= kFirstEthertype) return step_of_ethertype(static_cast<uint16_t>(family));
  switch (family) {
    case 2:
      return Step::ip4;
    case 23:  // Windows; IPX elsewhere
      return probe_ip(d, d.offset) == Step::not_ip ? Step::not_ip : Step::ip6;
    case 10:  // Linux
    case 22:  // HP-UX
    case 24:  // NetBSD, OpenBSD, AIX
    case 26:  // Solaris
    case 28:  // FreeBSD
    case 30:  // Darwin
      return Step::ip6;
    default:
      return Step::not_ip;
  }
}

}  // namespace flowmark
