#include "mark/pcp.h"

#include "net/byte_order.h"
#include "net/link_layer.h"

namespace flowmark {
namespace {

constexpr uint32_t kTypeOffset = 12;
constexpr uint32_t kTagOffset = 14;
constexpr uint32_t kTagEnd = 16;
constexpr uint16_t kVlanMask = 0x0fff;
constexpr uint8_t kPriorityMask = 0xe0;
constexpr uint8_t kPriorityShift = 5;

bool has_tag(const Packet& packet) noexcept {
  if (packet.link != LinkType::ethernet || packet.head_length < kTagEnd) return false;
  return step_of_ethertype(load_be16(packet.data + kTypeOffset)) == Step::vlan;
}

}  // namespace

uint8_t pcp_of(Dscp value) noexcept {
  constexpr Dscp kAf12 = 12, kAf13 = 14;
  if (value == dscp::kLowerEffort) return 1;
  if (value == dscp::kAf11 || value == kAf12 || value == kAf13) return 0;
  return static_cast<uint8_t>(value >> 3);
}

std::optional<uint16_t> vlan_of(const Packet& packet) noexcept {
  if (!has_tag(packet)) return std::nullopt;
  return static_cast<uint16_t>(load_be16(packet.data + kTagOffset) & kVlanMask);
}

bool write_pcp(const Packet& packet, uint8_t priority) noexcept {
  if (!has_tag(packet)) return false;
  uint8_t& first = packet.data[kTagOffset];
  const auto wanted = static_cast<uint8_t>((first & ~kPriorityMask) | (priority << kPriorityShift));
  if (first == wanted) return false;
  first = wanted;
  return true;
}

}  // namespace flowmark
