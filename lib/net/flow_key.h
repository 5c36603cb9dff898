#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
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

namespace detail {

inline uint64_t load_le64(const uint8_t* p) noexcept {
  uint64_t v = 0;
  std::memcpy(&v, p, sizeof(v));
  if constexpr (std::endian::native == std::endian::big) v = __builtin_bswap64(v);
  return v;
}

// A 64 x 64 bit product, its halves folded together: every bit of both factors reaches all of the
// result in one multiplication.
inline uint64_t fold(uint64_t x, uint64_t y) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(x) * y;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace detail

/// What keys are mixed with before they are multiplied. Who does not know it cannot choose flows
/// that meet in one place of a table.
struct HashSecret {
  /// Known to everybody, for replays and tests: bits without a pattern, the fractional parts of the
  /// square roots of the first six primes.
  std::array<uint64_t, 6> words = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                   0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f};

  /// One of the kernel's random numbers. Throws Error if it has none.
  static HashSecret draw();
};

/// Equal keys hash equally under the same secret, on every machine; well mixed in all 64 bits. Used
/// for the table and for spreading flows over workers. Inline: it runs for each packet.
inline uint64_t hash(const FlowKey& key, const HashSecret& secret = {}) noexcept {
  const auto& [k0, k1, k2, k3, k4, k5] = secret.words;
  // The last eight bytes of a key: ports, protocol, zone, reserved.
  const uint64_t rest = uint64_t{key.a_port.host()} | (uint64_t{key.b_port.host()} << 16) |
                        (uint64_t{key.protocol} << 32) | (uint64_t{key.zone} << 40) |
                        (uint64_t{key.reserved} << 48);
  const uint64_t a =
      detail::fold(detail::load_le64(key.a.data()) ^ k0, detail::load_le64(key.a.data() + 8) ^ k1);
  const uint64_t b =
      detail::fold(detail::load_le64(key.b.data()) ^ k2, detail::load_le64(key.b.data() + 8) ^ k3);
  return detail::fold((a + (b ^ k4)) ^ rest, detail::fold(a ^ rest, k2) ^ b ^ k5);
}

/// "tcp 10.0.0.1:40000 192.0.2.1:443": endpoint `a_first ? a : b` first.
std::string to_string(const FlowKey& key, bool a_first = true);

/// "tcp", "udp", "icmp", "esp", ... or the number.
std::string protocol_name(uint8_t protocol);

}  // namespace flowmark
