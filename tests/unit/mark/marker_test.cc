#include "mark/marker.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "net/byte_order.h"

namespace flowmark {
namespace {

uint16_t full_checksum(const std::vector<uint8_t>& header) {
  uint32_t sum = 0;
  for (size_t i = 0; i < header.size(); i += 2) {
    if (i != 10) sum += load_be16(&header[i]);
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// The example of RFC 1624, section 4, for which equation 2 of RFC 1141 gives the wrong result.
TEST(UpdateChecksum, FollowsEquationThreeOfRfc1624) {
  EXPECT_EQ(update_checksum(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(WriteDscp, LeavesEcnAndAValidIpv4ChecksumForEveryByte) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint8_t> header(round % 3 == 0 ? 24 : 20);
    for (uint8_t& byte : header) byte = static_cast<uint8_t>(random());
    header[0] = static_cast<uint8_t>(0x40 | header.size() / 4);
    store_be16(&header[10], full_checksum(header));
    const std::vector<uint8_t> before = header;

    Packet packet;
    packet.data = header.data();
    packet.head_length = packet.wire_length = static_cast<uint32_t>(header.size());
    ParsedPacket parsed;
    parsed.ip_version = 4;
    const auto value = static_cast<Dscp>(random() % 64);
    write_dscp(packet, parsed, value);

    EXPECT_EQ(header[1] >> 2, value);
    EXPECT_EQ(read_dscp(packet, parsed), value);
    EXPECT_EQ(header[1] & 3, before[1] & 3);
    // One's complement has two zeros: compare as the receiver does, by the sum over the header.
    uint32_t sum = 0;
    for (size_t i = 0; i < header.size(); i += 2) sum += load_be16(&header[i]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    EXPECT_EQ(sum, 0xffffU);
    for (size_t i = 2; i < header.size(); ++i) {
      if (i == 10 || i == 11) continue;
      EXPECT_EQ(header[i], before[i]) << i;
    }
  }
}

// Captured at a sender whose network card computes checksums.
TEST(WriteDscp, ComputesAnIpv4ChecksumThatIsZero) {
  std::mt19937 random(2);
  for (const size_t length : {20U, 24U, 60U}) {
    std::vector<uint8_t> header(length);
    for (uint8_t& byte : header) byte = static_cast<uint8_t>(random());
    header[0] = static_cast<uint8_t>(0x40 | length / 4);
    store_be16(&header[10], 0);
    Packet packet;
    packet.data = header.data();
    packet.head_length = packet.wire_length = static_cast<uint32_t>(length);
    ParsedPacket parsed;
    parsed.ip_version = 4;
    write_dscp(packet, parsed, 46);
    EXPECT_EQ(header[1] >> 2, 46);
    EXPECT_EQ(load_be16(&header[10]), full_checksum(header));
  }
}

// A receiver must still see that the header was damaged on the way.
TEST(WriteDscp, KeepsAWrongIpv4ChecksumWrong) {
  std::vector<uint8_t> header = {0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
  const auto wrong = static_cast<uint16_t>(full_checksum(header) - 5);
  store_be16(&header[10], wrong);
  Packet packet;
  packet.data = header.data();
  packet.head_length = packet.wire_length = 20;
  ParsedPacket parsed;
  parsed.ip_version = 4;
  write_dscp(packet, parsed, 46);
  EXPECT_EQ(load_be16(&header[10]), full_checksum(header) - 5);
}

TEST(WriteDscp, ChangesOnlyTheSixBitsOfIpv6) {
  for (int before = 0; before < 256; ++before) {
    for (int value = 0; value < 64; ++value) {
      std::array<uint8_t, 8> header{static_cast<uint8_t>(0x60 | before >> 4),
                                    static_cast<uint8_t>(before << 4 | 0x0a),
                                    0xbc,
                                    0xde,
                                    1,
                                    2,
                                    3,
                                    4};
      Packet packet;
      packet.data = header.data();
      packet.head_length = packet.wire_length = 8;
      ParsedPacket parsed;
      parsed.ip_version = 6;
      write_dscp(packet, parsed, static_cast<Dscp>(value));
      const uint32_t word = load_be32(header.data());
      EXPECT_EQ(word >> 28, 6U);
      EXPECT_EQ((word >> 22) & 63, static_cast<uint32_t>(value));
      EXPECT_EQ(read_dscp(packet, parsed), value);
      EXPECT_EQ((word >> 20) & 3, static_cast<uint32_t>(before & 3));
      EXPECT_EQ(word & 0xfffff, 0xabcdeU);
    }
  }
}

TEST(WriteDscp, WritesAtTheOffsetOfTheHeader) {
  std::vector<uint8_t> frame(14 + 20, 0);
  frame[14] = 0x45;
  store_be16(&frame[14 + 10], 0xbaff);  // ~0x4500
  Packet packet;
  packet.data = frame.data();
  packet.head_length = packet.wire_length = 34;
  ParsedPacket parsed;
  parsed.ip_version = 4;
  parsed.mark_offset = 14;
  write_dscp(packet, parsed, dscp::kExpedited);
  EXPECT_EQ(frame[15], 46 << 2);
  EXPECT_EQ(load_be16(&frame[24]), static_cast<uint16_t>(~0x45b8));
}

}  // namespace
}  // namespace flowmark
