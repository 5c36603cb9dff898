#pragma once

#include <cstdint>
#include <optional>

#include "mark/dscp.h"
#include "net/packet.h"

namespace flowmark {

/// The priority code point of IEEE 802.1Q that goes with a mark: its class selector (RFC 2474,
/// 4.2.2), but LE goes with 1, background, and AF11 to AF13 with 0, as 1 is below best effort.
uint8_t pcp_of(Dscp value) noexcept;

/// The VLAN of an Ethernet frame's outermost tag, right behind the addresses. nullopt: no tag.
std::optional<uint16_t> vlan_of(const Packet& packet) noexcept;

/// Writes the priority into that tag; the VLAN and the drop-eligible bit stay. False if nothing
/// changed: there is no tag, or it has this priority.
bool write_pcp(const Packet& packet, uint8_t priority) noexcept;

}  // namespace flowmark
