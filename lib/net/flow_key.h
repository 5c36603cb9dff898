#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "net/byte_order.h"

namespace flowmark {

/// 16 bytes in wire order; IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
using IpAddress = std::array<uint8_t, 16>;

/// "192.0.2.1" or "2001:db8::1" (RFC 5952).
std::string to_string(const IpAddress& address);
bool is_ipv4(const IpAddress& address) noexcept;

/// Names a conversation: the same key for both directions. Endpoint a is the smaller of the two
/// (address, then port). Portless protocols (ICMP, ESP, AH, GRE, ...) have ports 0, so that both
/// directions and all SPIs between two hosts are one stream.
struct FlowKey {
  IpAddress a{};
  IpAddress b{};
  be16_t a_port{};
  be16_t b_port{};
  uint8_t protocol = 0;  ///< IANA number; of IPv6 the upper-layer one
  uint8_t zone = 0;      ///< keeps apart equal addresses of different networks; 0 unless configured
  uint16_t reserved = 0;

  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};
static_assert(sizeof(FlowKey) == 40, "the table's entry relies on it");

/// Equal keys hash equally on every machine; well mixed in all 64 bits. Used for the table and for
/// spreading flows over workers.
uint64_t hash(const FlowKey& key) noexcept;

/// "tcp 10.0.0.1:40000 192.0.2.1:443": endpoint `a_first ? a : b` first.
std::string to_string(const FlowKey& key, bool a_first = true);

/// "tcp", "udp", "icmp", "esp", ... or the number.
std::string protocol_name(uint8_t protocol);

}  // namespace flowmark
