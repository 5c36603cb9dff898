#pragma once

#include <cstdint>
#include <cstring>

#include "net/byte_order.h"
#include "net/flow_key.h"

namespace flowmark {

inline uint64_t load_be64(const uint8_t* p) noexcept {
  return (uint64_t{load_be32(p)} << 32) | load_be32(p + 4);
}
inline void store_be64(uint8_t* p, uint64_t v) noexcept {
  if constexpr (std::endian::native == std::endian::little) v = __builtin_bswap64(v);
  std::memcpy(p, &v, sizeof(v));
}

/// Writes addresses and ports of an IPv4 header into the key, smaller endpoint first. `addresses`
/// points at source and destination as they follow each other in the header. True if the source
/// became endpoint a. Inline and without branches: the direction of a packet is a coin toss, and
/// this runs for each one (bench/net/parse_bench.cc).
inline bool order_endpoints4(const uint8_t* addresses, be16_t source_port, be16_t destination_port,
                             FlowKey& key) noexcept {
  const uint64_t source = (uint64_t{load_be32(addresses)} << 16) | source_port.host();
  const uint64_t destination = (uint64_t{load_be32(addresses + 4)} << 16) | destination_port.host();
  const bool from_a = source <= destination;
  const uint64_t a = from_a ? source : destination;
  const uint64_t b = from_a ? destination : source;
  constexpr uint64_t kMapped = 0x0000ffff00000000;  // ::ffff:a.b.c.d
  store_be64(key.a.data(), 0);
  store_be64(key.a.data() + 8, kMapped | (a >> 16));
  store_be64(key.b.data(), 0);
  store_be64(key.b.data() + 8, kMapped | (b >> 16));
  key.a_port = be16_t(static_cast<uint16_t>(a));
  key.b_port = be16_t(static_cast<uint16_t>(b));
  return from_a;
}

/// The same for an IPv6 header. Compared as three numbers from the most to the least significant.
inline bool order_endpoints6(const uint8_t* addresses, be16_t source_port, be16_t destination_port,
                             FlowKey& key) noexcept {
  const uint64_t source_high = load_be64(addresses), source_low = load_be64(addresses + 8);
  const uint64_t to_high = load_be64(addresses + 16), to_low = load_be64(addresses + 24);
  const bool equal_high = source_high == to_high;
  const bool equal_low = source_low == to_low;
  const bool ports = source_port.host() <= destination_port.host();
  const bool low = (source_low < to_low) | (equal_low & ports);
  const bool from_a = (source_high < to_high) | (equal_high & low);
  const size_t a = from_a ? 0 : 16;
  std::memcpy(key.a.data(), addresses + a, 16);
  std::memcpy(key.b.data(), addresses + 16 - a, 16);
  key.a_port = from_a ? source_port : destination_port;
  key.b_port = from_a ? destination_port : source_port;
  return from_a;
}

}  // namespace flowmark
