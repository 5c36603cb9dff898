#pragma once

#include <cstdint>
#include <span>

#include "net/flow_key.h"
#include "net/packet.h"
#include "net/parse_options.h"

namespace flowmark {

enum class ParseStatus : uint8_t {
  ok,
  not_ip,     ///< ARP, LLDP, ...: nothing to classify
  truncated,  ///< a header reaches past the bytes there are
  malformed,  ///< a header contradicts itself (version, length)
};
inline constexpr int kParseStatusCount = 4;
const char* to_string(ParseStatus status) noexcept;

enum class Fragment : uint8_t { none, first, later };

/// What the packet path needs of a packet's headers. Offsets count from Packet::data. The fields
/// besides `status` and `mark_offset` are set only when status is ok.
struct ParsedPacket {
  FlowKey key;
  ParseStatus status = ParseStatus::not_ip;
  bool from_a = true;     ///< the packet's source is endpoint a of the key
  bool pure_ack = false;  ///< TCP, ACK and no payload, no SYN/FIN/RST
  uint8_t tcp_flags = 0;
  Fragment fragment = Fragment::none;
  uint8_t ip_version = 0;     ///< of the outermost IP header: what mark_offset points at
  uint8_t traffic_class = 0;  ///< DSCP and ECN of the outermost IP header
  uint16_t mark_offset = 0;   ///< outermost IP header, the one to mark
  uint16_t l3_offset = 0;     ///< IP header the key was taken from (equal without tunnels)
  uint16_t l4_offset = 0;
  uint16_t ip_length = 0;    ///< IP total length of the header at l3_offset, bytes
  uint32_t fragment_id = 0;  ///< IP identification when fragment != none
};

/// Reads the headers of one frame: Ethernet, VLAN, QinQ, the tags of switches and fabrics
/// (net/fabric.h), PPPoE, MPLS, IPv4 with options, IPv6 with extension headers, TCP, UDP, SCTP,
/// ICMP, ESP, AH, GRE and the tunnels asked for (net/tunnel.h). Every read is checked against
/// head_length. Later fragments carry no ports: their key has ports 0 until FragmentTable supplies
/// them. A zero IPv4 total length (TSO captures) means: to the frame's end.
void parse(const Packet& packet, const ParseOptions& options, ParsedPacket& out) noexcept;

/// The same over a burst: `out` has as many elements as `packets`.
void parse(std::span<const Packet> packets, const ParseOptions& options,
           std::span<ParsedPacket> out) noexcept;

}  // namespace flowmark
