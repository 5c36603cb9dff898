#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/packet.h"

namespace flowmark::testing {

/// A plain Ethernet/IPv4/UDP frame for tests: addresses as host numbers, a valid IP checksum,
/// `ip_length` bytes from the IP header on (at least 28).
struct UdpFrame {
  uint32_t source = 0x0a000001;  // 10.0.0.1
  uint32_t destination = 0xc0000201;
  uint16_t source_port = 40000;
  uint16_t destination_port = 5004;
  uint16_t ip_length = 200;
  uint8_t tos = 0;

  UdpFrame reversed() const;
  std::vector<uint8_t> bytes() const;
};

/// A view of a frame's bytes.
Packet packet_of(std::vector<uint8_t>& bytes, TimeUs time_us, uint16_t port = 0);

/// Sum over an IPv4 header at `offset`, as a receiver checks it.
bool ipv4_checksum_valid(const std::vector<uint8_t>& frame, size_t offset = 14);

}  // namespace flowmark::testing
