#pragma once

#include <cstdint>

#include "base/time.h"

namespace flowmark {

/// What the first byte of a frame is (libpcap's DLT_*).
enum class LinkType : uint8_t {
  ethernet,
  raw_ip,
  linux_sll,
  linux_sll2,
  bsd_loopback,
  ppp,
  dsa,         ///< Ethernet with a switch's tag of four bytes behind the addresses
  dsa_before,  ///< the same before the addresses
};
inline constexpr int kLinkTypeCount = 8;

const char* to_string(LinkType link) noexcept;

/// One received frame as the stages see it: a view, not an owner. `data` reaches `head_length`
/// contiguous, writable bytes: the whole frame, or as much as was captured, or the first bytes of a
/// segmented buffer that its source made contiguous.
struct Packet {
  uint8_t* data = nullptr;
  uint32_t head_length = 0;
  uint32_t wire_length = 0;  ///< bytes on the wire, >= head_length
  TimeUs time_us = 0;
  uint16_t port = 0;  ///< index of the port in the configuration
  LinkType link = LinkType::ethernet;
};

}  // namespace flowmark
