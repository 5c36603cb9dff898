#pragma once

#include <cstdint>
#include <span>

namespace flowmark {

inline constexpr uint32_t kEthernetHeader = 14;
inline constexpr uint32_t kVlanTag = 4;

/// Of an Ethernet frame as long as its receive buffer: whether its end may be missing. True unless
/// the IP header (after VLAN tags or PPPoE) says that everything is there.
bool may_be_cut_off(std::span<const uint8_t> frame) noexcept;

/// Whether an interface whose longest untagged frame has `longest` bytes takes a frame of `length`
/// bytes that starts at `frame`: a frame with a tag 0x8100 may have 4 bytes more, as Linux has it.
inline bool fits_link(const uint8_t* frame, uint32_t length, uint32_t longest) noexcept {
  if (length <= longest) return true;
  return length <= longest + kVlanTag && longest != 0 && length > kEthernetHeader &&
         frame[12] == 0x81 && frame[13] == 0x00;
}

}  // namespace flowmark
