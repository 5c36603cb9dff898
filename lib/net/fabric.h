#pragma once

#include "net/dissect.h"

namespace flowmark {

// What switches and fabrics put into a frame before the EtherType or around the frame. All of it is
// read whether or not tunnels are asked for: none of it has an IP header of its own.

/// A tag of `bytes` behind its EtherType, then the EtherType of the frame: VN-tag (Cisco), E-TAG
/// (IEEE 802.1BR), CMD (Cisco TrustSec), Marvell's EDSA.
Step read_tag(Dissection& d, uint32_t bytes) noexcept;

/// A switch's tag (Broadcom, Marvell DSA) behind the addresses of a frame of a link type that says
/// so, and one before the addresses (Broadcom, prepended).
Step read_dsa(Dissection& d) noexcept;
Step read_dsa_before(Dissection& d) noexcept;

/// The same tag in frames of plain Ethernet, where its first half stands in the EtherType's place:
/// accepted if an IP header that fits is behind it.
Step read_switch_tag(Dissection& d) noexcept;

Step read_nsh(Dissection& d) noexcept;         ///< RFC 8300
Step read_pbb(Dissection& d) noexcept;         ///< IEEE 802.1ah, the I-TAG and the frame in it
Step read_fabricpath(Dissection& d) noexcept;  ///< Cisco FabricPath, the frame in it

}  // namespace flowmark
