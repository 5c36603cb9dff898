#include "net/dissect.h"

#include <algorithm>

#include "net/fabric.h"
#include "net/ip_layer.h"
#include "net/l2tp.h"
#include "net/link_layer.h"
#include "net/transport.h"
#include "net/tunnel.h"

namespace flowmark {
namespace {

// More headers than any real frame has. Each is at most 2048 bytes long, GTP-U with its extensions
// 8 * 1020 + 12 but no more than every third step (it needs IP and UDP around it), so that offsets
// fit 16 bits.
constexpr int kMaxSteps = 20;

Step take(Step step, Dissection& d) noexcept {
  switch (step) {
    case Step::ethernet:
      return read_ethernet(d);
    case Step::vlan:
      return read_vlan(d);
    case Step::snap:
      return read_snap(d);
    case Step::pppoe:
      return read_pppoe(d);
    case Step::ppp:
      return read_ppp(d);
    case Step::mpls:
      return read_mpls(d);
    case Step::linux_sll:
      return read_linux_sll(d);
    case Step::linux_sll2:
      return read_linux_sll2(d);
    case Step::bsd_loopback:
      return read_bsd_loopback(d);
    case Step::dsa:
      return read_dsa(d);
    case Step::dsa_before:
      return read_dsa_before(d);
    case Step::switch_tag:
      return read_switch_tag(d);
    case Step::vn_tag:
      return read_tag(d, 4);
    case Step::e_tag:
    case Step::cmd:
    case Step::edsa:
      return read_tag(d, 6);
    case Step::nsh:
      return read_nsh(d);
    case Step::pbb:
      return read_pbb(d);
    case Step::fabricpath:
      return read_fabricpath(d);
    case Step::ip:
      return read_ip(d);
    case Step::ip4:
      return read_ip4(d);
    case Step::ip6:
      return read_ip6(d);
    case Step::ip6_extension:
      return read_ip6_extension(d);
    case Step::transport:
      return read_transport(d);
    case Step::gre:
      return read_gre(d);
    case Step::vxlan:
      return read_vxlan(d);
    case Step::geneve:
      return read_geneve(d);
    case Step::gtpu:
      return read_gtpu(d);
    case Step::erspan2:
      return read_erspan2(d);
    case Step::erspan3:
      return read_erspan3(d);
    case Step::tzsp:
      return read_tzsp(d);
    case Step::teredo:
      return read_teredo(d);
    case Step::gue:
      return read_gue(d);
    case Step::l2tp:
      return read_l2tp(d);
    case Step::l2tp_ip:
      return read_l2tp_ip(d);
    case Step::etherip:
      return read_etherip(d);
    default:
      return step;
  }
}

ParseStatus status_of(Step end, bool has_flow) noexcept {
  // What lies inside a tunnel may be anything: without a readable flow in it, the packet belongs to
  // the tunnel's own. Only where the bytes were not captured is the inner flow really unknown.
  if (end == Step::truncated) return ParseStatus::truncated;
  if (end == Step::done || has_flow) return ParseStatus::ok;
  if (end == Step::not_ip) return ParseStatus::not_ip;
  return end == Step::cut ? ParseStatus::truncated : ParseStatus::malformed;
}

}  // namespace

void dissect(const Packet& packet, const ParseOptions& options, ParsedPacket& out) noexcept {
  out = ParsedPacket{};
  Dissection d{.data = packet.data,
               .head = packet.head_length,
               .end = std::max(packet.wire_length, packet.head_length),
               .options = options,
               .out = out,
               .ip = {}};
  Step step = first_step(packet.link);
  for (int i = 0; i < kMaxSteps && step < Step::done; ++i) step = take(step, d);
  if (step < Step::done) step = Step::malformed;
  out.status = status_of(step, d.has_flow);
}

}  // namespace flowmark
