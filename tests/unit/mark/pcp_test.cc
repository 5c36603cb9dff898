#include "mark/pcp.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace flowmark {
namespace {

/// Addresses, a tag of VLAN 10 with priority 2 and the drop-eligible bit, and what follows.
std::vector<uint8_t> tagged_frame(uint8_t type_high = 0x81, uint8_t type_low = 0x00) {
  std::vector<uint8_t> frame(64, 0xee);
  frame[12] = type_high;
  frame[13] = type_low;
  frame[14] = 0x50;
  frame[15] = 0x0a;
  return frame;
}

Packet packet_of(std::vector<uint8_t>& frame) {
  const auto length = static_cast<uint32_t>(frame.size());
  return {.data = frame.data(), .head_length = length, .wire_length = length};
}

TEST(Pcp, FollowsTheClassSelectorButBulkIsNotBelowBackground) {
  EXPECT_EQ(pcp_of(46), 5);
  EXPECT_EQ(pcp_of(34), 4);
  EXPECT_EQ(pcp_of(26), 3);
  EXPECT_EQ(pcp_of(18), 2);
  EXPECT_EQ(pcp_of(0), 0);
  EXPECT_EQ(pcp_of(8), 1);
  EXPECT_EQ(pcp_of(56), 7);
  EXPECT_EQ(pcp_of(dscp::kLowerEffort), 1) << "background (RFC 8622)";
  for (const Dscp bulk : std::vector<Dscp>{10, 12, 14})
    EXPECT_EQ(pcp_of(bulk), 0) << "1 is below best effort";
}

TEST(Pcp, IsWrittenIntoTheTagAndNothingElseIs) {
  std::vector<uint8_t> frame = tagged_frame();
  EXPECT_TRUE(write_pcp(packet_of(frame), 5));
  std::vector<uint8_t> expected = tagged_frame();
  expected[14] = 0xb0;
  EXPECT_EQ(frame, expected);
  EXPECT_FALSE(write_pcp(packet_of(frame), 5)) << "it is there already";
}

TEST(Pcp, TheOuterTagOfQinQIsTheOne) {
  for (const auto& [high, low] : std::vector<std::pair<uint8_t, uint8_t>>{
           {0x88, 0xa8}, {0x91, 0x00}, {0x92, 0x00}, {0x93, 0x00}}) {
    std::vector<uint8_t> frame = tagged_frame(high, low);
    EXPECT_TRUE(write_pcp(packet_of(frame), 7));
    EXPECT_EQ(frame[14], 0xf0);
    EXPECT_EQ(vlan_of(packet_of(frame)), 10);
  }
}

TEST(Pcp, FramesWithoutATagStay) {
  std::vector<uint8_t> plain = tagged_frame(0x08, 0x00);
  const std::vector<uint8_t> before = plain;
  EXPECT_FALSE(write_pcp(packet_of(plain), 5));
  EXPECT_EQ(plain, before);
  EXPECT_EQ(vlan_of(packet_of(plain)), std::nullopt);

  std::vector<uint8_t> raw = tagged_frame();
  Packet packet = packet_of(raw);
  packet.link = LinkType::raw_ip;
  EXPECT_FALSE(write_pcp(packet, 5));
  packet = packet_of(raw);
  packet.head_length = 15;
  EXPECT_FALSE(write_pcp(packet, 5)) << "cut off within the tag";
}

}  // namespace
}  // namespace flowmark
