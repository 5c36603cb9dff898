#include "support/frames.h"

#include <algorithm>

#include "net/byte_order.h"

namespace flowmark::testing {
namespace {

void store_be32(uint8_t* p, uint32_t v) {
  store_be16(p, static_cast<uint16_t>(v >> 16));
  store_be16(p + 2, static_cast<uint16_t>(v));
}

uint16_t folded_sum(const uint8_t* header) {
  uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2) sum += load_be16(header + i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

}  // namespace

UdpFrame UdpFrame::reversed() const {
  UdpFrame other = *this;
  std::swap(other.source, other.destination);
  std::swap(other.source_port, other.destination_port);
  return other;
}

std::vector<uint8_t> UdpFrame::bytes() const {
  std::vector<uint8_t> frame(14U + ip_length, 0);
  store_be16(&frame[12], 0x0800);
  uint8_t* ip = &frame[14];
  ip[0] = 0x45;
  ip[1] = tos;
  store_be16(ip + 2, ip_length);
  ip[8] = 64;
  ip[9] = 17;
  store_be32(ip + 12, source);
  store_be32(ip + 16, destination);
  store_be16(ip + 10, static_cast<uint16_t>(~folded_sum(ip)));
  store_be16(ip + 20, source_port);
  store_be16(ip + 22, destination_port);
  store_be16(ip + 24, static_cast<uint16_t>(ip_length - 20));
  return frame;
}

Packet packet_of(std::vector<uint8_t>& bytes, TimeUs time_us, uint16_t port) {
  Packet packet;
  packet.data = bytes.data();
  packet.head_length = packet.wire_length = static_cast<uint32_t>(bytes.size());
  packet.time_us = time_us;
  packet.port = port;
  return packet;
}

bool ipv4_checksum_valid(const std::vector<uint8_t>& frame, size_t offset) {
  return folded_sum(&frame[offset]) == 0xffff;
}

}  // namespace flowmark::testing
