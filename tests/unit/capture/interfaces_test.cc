// What the interfaces of a capture say: link types, snap lengths, units of time.
#include "capture/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/capture/reader_fixture.h"

namespace flowmark::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class Interfaces : public ReaderFixture {};

TEST_F(Interfaces, EachPacketHasItsInterfacesLinkTypeTimeUnitsAndSnapLength) {
  for (const bool big_endian : {false, true}) {
    CaptureBuilder b(big_endian);
    b.section();
    b.interface(1, 96);
    b.interface(101, 128, b.resolution(9));
    b.interface(113, 0, b.resolution(0x8a));  // 1024 a second
    b.enhanced_packet(2, 3 * 1024 + 512, payload(200, 1));
    b.enhanced_packet(1, 2'000'000'999, payload(128, 2), 1500);
    b.enhanced_packet(0, 1'000'001, payload(96, 3), 1500);
    CaptureReader reader(file(b.bytes));
    const std::vector<std::tuple<LinkType, TimeUs, uint32_t, uint32_t>> expected = {
        {LinkType::linux_sll, 3'500'000, 200, 200},
        {LinkType::raw_ip, 2'000'000, 128, 1500},
        {LinkType::ethernet, 1'000'001, 96, 1500}};
    for (const auto& [link, time, head, wire] : expected) {
      Packet packet;
      ASSERT_TRUE(reader.next(packet));
      EXPECT_EQ(packet.link, link);
      EXPECT_EQ(packet.time_us, time);
      EXPECT_EQ(packet.head_length, head);
      EXPECT_EQ(packet.wire_length, wire);
    }
    EXPECT_EQ(reader.longest_cut(), 128u);
  }
}

TEST_F(Interfaces, TheInterfacesOfASectionAreItsOwn) {
  CaptureBuilder b;
  b.section();
  b.interface(101);
  b.section();
  b.interface(1);
  b.enhanced_packet(0, 1, payload(60, 1));
  CaptureReader reader(file(b.bytes));
  Packet packet;
  ASSERT_TRUE(reader.next(packet));
  EXPECT_EQ(packet.link, LinkType::ethernet);
}

TEST_F(Interfaces, AnInterfaceWithoutPacketsMayHaveAnyLinkType) {
  CaptureBuilder b;
  b.section();
  b.interface(127);
  b.interface(1);
  b.enhanced_packet(1, 1, payload(60, 1));
  EXPECT_EQ(read_all(file(b.bytes)), 1u);
}

TEST_F(Interfaces, APacketOfAnotherLinkTypeIsRefusedByFileInterfaceAndName) {
  CaptureBuilder b;
  b.section();
  b.interface(1);
  b.interface(127);
  b.enhanced_packet(0, 1, payload(60, 1));
  b.enhanced_packet(1, 1, payload(60, 1));
  const auto path = file(b.bytes);
  EXPECT_THAT([&] { read_all(path); },
              ThrowsMessage<Error>(AllOf(HasSubstr(path.string()), HasSubstr("packet 2"),
                                         HasSubstr("interface 1"), HasSubstr("IEEE802_11_RADIO"))));
}

TEST_F(Interfaces, APacketOfAnInterfaceThatIsNotThere) {
  CaptureBuilder b;
  b.section();
  b.simple_packet(payload(60, 1));
  EXPECT_THAT([&] { read_all(file(b.bytes)); },
              ThrowsMessage<Error>(AllOf(HasSubstr("packet 1"), HasSubstr("interface 0"))));
  b.interface(1);
  b.enhanced_packet(1, 1, payload(60, 1));
  b.bytes.erase(b.bytes.begin() + 28, b.bytes.begin() + 28 + 76);  // the simple packet
  EXPECT_THAT([&] { read_all(file(b.bytes)); },
              ThrowsMessage<Error>(AllOf(HasSubstr("packet 1"), HasSubstr("interface 1"))));
}

TEST_F(Interfaces, InterfaceOptionsThatAreDamaged) {
  const auto refused = [&](const Bytes& options) {
    CaptureBuilder b;
    b.section();
    b.interface(1, 0, options);
    return file(b.bytes);
  };
  EXPECT_THAT(
      [&] {
        read_all(refused({9, 0, 5, 0, 6, 0, 0, 0}));
      },
      ThrowsMessage<Error>(HasSubstr("an option of 5 bytes")));
  EXPECT_THAT(
      [&] {
        read_all(refused({9, 0, 2, 0, 6, 0, 0, 0}));
      },
      ThrowsMessage<Error>(HasSubstr("option 9")));
  EXPECT_THAT(
      [&] {
        read_all(refused({9, 0, 1, 0, 20, 0, 0, 0}));
      },
      ThrowsMessage<Error>(HasSubstr("10^-20")));
  EXPECT_THAT(
      [&] {
        read_all(refused({9, 0, 1, 0, 0xc0, 0, 0, 0}));
      },
      ThrowsMessage<Error>(HasSubstr("2^-64")));
}

TEST_F(Interfaces, SimplePacketsAreCutAtTheSnapLength) {
  CaptureBuilder b;
  b.section();
  b.interface(1, 61);
  b.simple_packet(payload(61, 1), 1500);  // three bytes of padding are not the packet's
  CaptureReader reader(file(b.bytes));
  Packet packet;
  ASSERT_TRUE(reader.next(packet));
  EXPECT_EQ(data_of(packet), payload(61, 1));
  EXPECT_EQ(packet.wire_length, 1500u);
}

TEST_F(Interfaces, TimesBehindTheYear2038) {
  constexpr uint64_t kLate = 0xf0000000;  // in 2097; the year 2038 is 0x7fffffff
  for (const uint32_t magic : {0xa1b2c3d4u, 0xa1b23c4du}) {
    CaptureBuilder b;
    b.pcap_header(1, magic);
    b.pcap_packet(0x7fffffff, 0, payload(60, 1));
    b.pcap_packet(0x80000000, 0, payload(60, 1));
    b.pcap_packet(kLate, 0, payload(60, 1));
    CaptureReader reader(file(b.bytes));
    for (const TimeUs second : {TimeUs{0x7fffffff}, TimeUs{0x80000000}, TimeUs{kLate}}) {
      Packet packet;
      ASSERT_TRUE(reader.next(packet));
      EXPECT_EQ(packet.time_us, second * kUsPerSecond);
    }
  }
  CaptureBuilder b;
  b.section();
  b.interface(1);
  b.interface(1, 0, {14, 0, 8, 0, 0, 0, 0, 0xf0, 0, 0, 0, 0});  // if_tsoffset
  b.enhanced_packet(0, kLate * 1'000'000 + 7, payload(60, 1));
  b.enhanced_packet(1, 7, payload(60, 1));
  b.enhanced_packet(0, UINT64_MAX, payload(60, 1));
  CaptureReader reader(file(b.bytes));
  Packet packet;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(reader.next(packet));
    EXPECT_EQ(packet.time_us, static_cast<TimeUs>(kLate) * kUsPerSecond + 7);
  }
  ASSERT_TRUE(reader.next(packet));  // damaged, but no overflow
  EXPECT_GT(packet.time_us, static_cast<TimeUs>(kLate) * kUsPerSecond);
}

TEST_F(Interfaces, VersionsThatNobodyWrites) {
  CaptureBuilder b;
  b.pcap_header(1, 0xa1b2c3d4, 262144, 5);
  EXPECT_THAT([&] { read_all(file(b.bytes)); }, ThrowsMessage<Error>(HasSubstr("version 2.5")));
  CaptureBuilder ng;
  ng.section();
  ng.bytes[12] = 2;
  EXPECT_THAT([&] { read_all(file(ng.bytes)); },
              ThrowsMessage<Error>(HasSubstr("pcapng version 2")));
}

}  // namespace
}  // namespace flowmark::test
