#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace flowmark {

constexpr uint16_t swap_bytes(uint16_t v) noexcept {
  return __builtin_bswap16(v);
}
constexpr uint32_t swap_bytes(uint32_t v) noexcept {
  return __builtin_bswap32(v);
}

/// A number as it stands on the wire, big end first. Byte order is part of the type, so that a
/// forgotten conversion does not compile. One byte aligned: may lie anywhere in a packet.
template <typename T>
class BigEndian {
 public:
  BigEndian() = default;
  explicit constexpr BigEndian(T host) noexcept : raw_(to_wire(host)) {}
  constexpr T host() const noexcept { return to_wire(raw_); }
  constexpr T raw() const noexcept { return raw_; }
  friend constexpr bool operator==(BigEndian a, BigEndian b) noexcept { return a.raw_ == b.raw_; }

 private:
  static constexpr T to_wire(T v) noexcept {
    if constexpr (std::endian::native == std::endian::little) return swap_bytes(v);
    return v;
  }
  T raw_ = 0;
};

using be16_t = BigEndian<uint16_t>;
using be32_t = BigEndian<uint32_t>;
static_assert(sizeof(be16_t) == 2 && sizeof(be32_t) == 4);

/// Reads a big-endian number at an unaligned place.
inline uint16_t load_be16(const uint8_t* p) noexcept {
  return static_cast<uint16_t>((p[0] << 8) | p[1]);
}
inline uint32_t load_be32(const uint8_t* p) noexcept {
  return (uint32_t{p[0]} << 24) | (uint32_t{p[1]} << 16) | (uint32_t{p[2]} << 8) | p[3];
}
inline void store_be16(uint8_t* p, uint16_t v) noexcept {
  p[0] = static_cast<uint8_t>(v >> 8);
  p[1] = static_cast<uint8_t>(v);
}

}  // namespace flowmark
