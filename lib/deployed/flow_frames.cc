#include "deployed/flow_frames.h"

#include <algorithm>

#include "flow/flow_facts.h"
#include "net/byte_order.h"
#include "net/protocol.h"

namespace flowmark {
namespace {

constexpr size_t kIp = 20, kTcp = 20, kOther = 8;  // UDP, ICMP, ESP: the first bytes
constexpr size_t kWord = 4;
constexpr uint8_t kTcpPush = 0x08;
constexpr std::array<uint8_t, 4> kInside{10, 0, 0, 1}, kOutside{192, 0, 2, 1};  // RFC 1918, 5737
constexpr uint16_t kInsidePort = 40'000, kOutsidePort = 4000;  // of no tunnel (net/protocol.h)

constexpr uint8_t kUnnamedProtocol = 253;  // for experiments (RFC 3692)

uint8_t protocol_of(const RecordedFlow& flow) {
  switch (facts_of(flow).transport) {
    case Transport::tcp:
      return kProtoTcp;
    case Transport::esp:
      return kProtoEsp;
    case Transport::other:
      return flow.name.starts_with("icmp") ? kProtoIcmp : kUnnamedProtocol;
    case Transport::udp:
    case Transport::unknown:
      break;
  }
  return kProtoUdp;
}

/// Bytes of the transport header, and of IP options before it. A pure ACK is nothing but headers,
/// as long as the packet; where no header has that length it counts as data.
struct Headers {
  size_t options = 0;
  size_t transport = kOther;
  bool is_pure_ack = false;
};

Headers headers_of(const FlowPacket& packet, uint8_t protocol, size_t longest_tcp,
                   size_t longest_ip) noexcept {
  Headers headers;
  if (protocol != kProtoTcp) return headers;
  headers.transport = kTcp;
  const size_t size = std::max<size_t>(packet.size, kIp + kTcp);
  if (!packet.pure_ack || size % kWord != 0 || size > longest_ip + longest_tcp) return headers;
  headers.is_pure_ack = true;
  headers.transport = std::min(size - kIp, longest_tcp);
  headers.options = size - kIp - headers.transport;
  return headers;
}

void write_checksum(uint8_t* ip, size_t length) noexcept {
  uint32_t sum = 0;
  for (size_t i = 0; i < length; i += 2) sum += load_be16(ip + i);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  store_be16(ip + 10, static_cast<uint16_t>(~sum));
}

}  // namespace

FlowFrames::FlowFrames(const RecordedFlow& flow) : protocol_(protocol_of(flow)) {}

Packet FlowFrames::frame(const FlowPacket& packet) noexcept {
  // A flow in a file of sequences may have a name of its own: only TCP has pure ACKs.
  if (packet.pure_ack) protocol_ = kProtoTcp;
  bytes_.fill(0);
  const Headers headers = headers_of(packet, protocol_, kLongestTcp, kLongestIp);
  const size_t least = kIp + headers.options + headers.transport;
  const auto total = static_cast<uint16_t>(std::max<size_t>(packet.size, least));
  const size_t at = write_ip(packet, headers.options, total);
  const bool up = packet.direction == Direction::up;
  uint8_t* transport = bytes_.data() + at;
  if (protocol_ == kProtoTcp || protocol_ == kProtoUdp) {
    store_be16(transport, up ? kInsidePort : kOutsidePort);
    store_be16(transport + 2, up ? kOutsidePort : kInsidePort);
  }
  if (protocol_ == kProtoUdp) store_be16(transport + 4, static_cast<uint16_t>(total - kIp));
  if (protocol_ == kProtoTcp) {
    transport[12] = static_cast<uint8_t>(headers.transport / kWord << 4);
    transport[13] = headers.is_pure_ack ? kTcpAck : kTcpPush;
  }
  Packet frame;
  frame.data = bytes_.data();
  frame.head_length = static_cast<uint32_t>(at + headers.transport);
  frame.wire_length = static_cast<uint32_t>(kEthernet + total);
  frame.time_us = packet.time_us;
  frame.port = up ? kLanPort : kLanPort + 1;
  return frame;
}

// Returns where the transport header begins.
size_t FlowFrames::write_ip(const FlowPacket& packet, size_t options, uint16_t total) noexcept {
  constexpr uint8_t kNoOperation = 1;
  const size_t length = kIp + options;
  store_be16(&bytes_[12], 0x0800);
  uint8_t* ip = &bytes_[kEthernet];
  ip[0] = static_cast<uint8_t>(0x40 | length / kWord);
  store_be16(ip + 2, total);
  ip[8] = 64;
  ip[9] = protocol_;
  const bool up = packet.direction == Direction::up;
  std::ranges::copy(up ? kInside : kOutside, ip + 12);
  std::ranges::copy(up ? kOutside : kInside, ip + 16);
  std::fill_n(ip + kIp, options, kNoOperation);
  write_checksum(ip, length);
  return kEthernet + length;
}

}  // namespace flowmark
