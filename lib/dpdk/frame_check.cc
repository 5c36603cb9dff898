#include "dpdk/frame_check.h"

#include "net/byte_order.h"
#include "net/link_layer.h"

namespace flowmark {
namespace {

constexpr uint32_t kTypeOffset = 12;

bool is_vlan(uint16_t type) noexcept {
  return step_of_ethertype(type) == Step::vlan;
}

}  // namespace

bool may_be_cut_off(std::span<const uint8_t> frame) noexcept {
  constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kPppoe = 0x8864;
  constexpr uint32_t kIpv6Header = 40, kPppoeHeader = 6;
  size_t at = kTypeOffset;
  while (at + kVlanTag <= frame.size() && is_vlan(load_be16(&frame[at]))) at += kVlanTag;
  if (at + 2 + kPppoeHeader > frame.size()) return true;
  const uint16_t type = load_be16(&frame[at]);
  const size_t left = frame.size() - at - 2;
  const uint8_t* const header = &frame[at + 2];
  // A length of 0 is that of a jumbogram or of segments that the kernel put together.
  const auto missing = [left](size_t header_length, uint16_t length) {
    return length == 0 || header_length + length > left;
  };
  if (type == kIpv4) return missing(0, load_be16(header + 2));
  if (type == kIpv6) return missing(kIpv6Header, load_be16(header + 4));
  if (type == kPppoe) return missing(kPppoeHeader, load_be16(header + 4));
  return true;
}

}  // namespace flowmark
