#pragma once

#include <bit>
#include <cstdint>

namespace flowmark {

/// The two ways of a conversation. Up: sent by the inside host (role lan), by the configured inside
/// prefix, or else by who began (flow/flow_life.h).
enum class Direction : uint8_t { up = 0, down = 1 };

/// What is kept of one packet: 8 bytes.
struct PacketRecord {
  uint32_t time_us = 0;  ///< low 32 bits of the packet's time; neighbours are < 71 minutes apart
  uint16_t size = 0;     ///< IP total length, bytes
  uint8_t direction = 0;
  uint8_t pure_ack = 0;  ///< TCP acknowledgement without payload: no part of a burst

  Direction dir() const noexcept { return static_cast<Direction>(direction); }
};
static_assert(sizeof(PacketRecord) == 8);

/// The same made in a register: field by field it would be written in four parts and then read as
/// one, which processors cannot do without waiting for the memory.
inline PacketRecord make_record(uint32_t time_us, uint16_t size, Direction direction,
                                bool pure_ack) noexcept {
  if constexpr (std::endian::native != std::endian::little) {
    return {time_us, size, static_cast<uint8_t>(direction), pure_ack};
  }
  return std::bit_cast<PacketRecord>(uint64_t{time_us} | (uint64_t{size} << 32) |
                                     (uint64_t{static_cast<uint8_t>(direction)} << 48) |
                                     (uint64_t{pure_ack} << 56));
}

}  // namespace flowmark
