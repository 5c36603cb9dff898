#pragma once

#include "net/dissect.h"

namespace flowmark {

/// The first step of a frame of this link type.
Step first_step(LinkType link) noexcept;

/// What follows an EtherType (IEEE 802), also in GRE and GENEVE.
Step step_of_ethertype(uint16_t type) noexcept;

/// The same where the number may also be the length of an IEEE 802.3 frame.
Step step_of_type(uint16_t type) noexcept;

Step read_ethernet(Dissection& d) noexcept;
Step read_vlan(Dissection& d) noexcept;
Step read_snap(Dissection& d) noexcept;
Step read_pppoe(Dissection& d) noexcept;  ///< RFC 2516
Step read_ppp(Dissection& d) noexcept;    ///< RFC 1661, RFC 1662 framing bytes optional
Step read_mpls(Dissection& d) noexcept;   ///< RFC 3032, one label a step
Step read_linux_sll(Dissection& d) noexcept;
Step read_linux_sll2(Dissection& d) noexcept;
Step read_bsd_loopback(Dissection& d) noexcept;

}  // namespace flowmark
