#pragma once

#include <cstdint>

namespace flowmark {

/// The two ways of a conversation. Up: sent by the inside host (role lan), by the configured inside
/// prefix, or else by the first sender.
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

}  // namespace flowmark
