#pragma once

#include <cstdint>

#include "mark/dscp.h"
#include "net/packet.h"
#include "net/parse.h"

namespace flowmark {

/// The checksum of an IPv4 header in which one 16-bit word changed (RFC 1624, equation 3).
uint16_t update_checksum(uint16_t checksum, uint16_t old_word, uint16_t new_word) noexcept;

/// Writes the DSCP into the packet's outermost IP header: IPv4 TOS with its checksum, IPv6 traffic
/// class. ECN bits stay. The packet must have been parsed with status ok.
///
/// The checksum of an IPv4 header is updated incrementally: a right one stays right, a wrong one
/// wrong by as much. A checksum of 0 means that nobody has computed it yet (captured at a sender
/// whose network card does): it is computed over the whole header. Checksums of TCP and UDP do not
/// cover the mark and stay as they are.
void write_dscp(const Packet& packet, const ParsedPacket& parsed, Dscp value) noexcept;

/// The DSCP that the packet carries now, wherever ParsedPacket::traffic_class says what it came
/// with. The packet must have been parsed with status ok.
Dscp read_dscp(const Packet& packet, const ParsedPacket& parsed) noexcept;

}  // namespace flowmark
