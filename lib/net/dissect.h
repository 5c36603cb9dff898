#pragma once

#include <cstdint>

#include "net/parse.h"

namespace flowmark {

/// The general parser behind parse(): a loop of steps, one header each. Private to lib/net, open to
/// its tests: parse() must give the same for every frame that its short path takes.
void dissect(const Packet& packet, const ParseOptions& options, ParsedPacket& out) noexcept;

/// What the next header is, or how the reading ended.
enum class Step : uint8_t {
  ethernet,
  vlan,
  snap,
  pppoe,
  ppp,
  mpls,
  linux_sll,
  linux_sll2,
  bsd_loopback,
  dsa,
  dsa_before,
  switch_tag,  ///< perhaps: no EtherType announces it
  edsa,
  vn_tag,
  e_tag,
  cmd,
  nsh,
  pbb,
  fabricpath,
  ip,  ///< the version is in the first four bits
  ip4,
  ip6,
  ip6_extension,
  transport,
  gre,
  vxlan,
  geneve,
  gtpu,
  erspan2,
  erspan3,
  tzsp,
  teredo,
  gue,
  l2tp,
  l2tp_ip,
  etherip,
  // Ends from here on.
  done,
  not_ip,
  truncated,  ///< the captured bytes end inside a header
  cut,        ///< the datagram or frame around a header ends inside it
  malformed,
};

/// The IP header being read; becomes the result once its flow is known.
struct IpHeader {
  uint32_t offset = 0;
  uint16_t length = 0;
  uint8_t version = 0;
  uint8_t protocol = 0;
  Fragment fragment = Fragment::none;
  uint32_t fragment_id = 0;
};

/// The state that the steps share.
struct Dissection {
  const uint8_t* data;
  uint32_t head;  ///< readable bytes
  uint32_t end;   ///< where the innermost enclosing frame or datagram says that it ends
  const ParseOptions& options;
  ParsedPacket& out;
  uint32_t offset = 0;
  IpHeader ip;
  bool has_flow = false;  ///< `out` names a flow already: that of the tunnel around `offset`

  const uint8_t* here() const noexcept { return data + offset; }

  /// Step::done if `bytes` can be read at the offset, else the reason why not.
  Step need(uint32_t bytes) const noexcept {
    if (end - offset < bytes || end < offset) return Step::cut;
    if (head - offset < bytes || head < offset) return Step::truncated;
    return Step::done;
  }
};

}  // namespace flowmark
