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

constexpr TimeUs kFirstSecond = 1'700'000'000;

class Reader : public ReaderFixture {};

TEST_F(Reader, EveryFormatGivesItsPackets) {
  for (const CaptureSample& sample : capture_samples()) {
    SCOPED_TRACE(sample.name);
    CaptureReader reader(file(sample.bytes));
    uint8_t seed = 0;
    for (Packet packet; reader.next(packet);) {
      ++seed;
      EXPECT_EQ(data_of(packet), payload(seed == 1 ? 60 : seed == 2 ? 61 : 1, seed));
      EXPECT_GE(packet.wire_length, packet.head_length);
      EXPECT_EQ(packet.link, LinkType::ethernet);
      EXPECT_EQ(reader.packets_read(), seed);
      if (sample.name != "pcapng, simple packets") {  // which have no times
        EXPECT_EQ(packet.time_us, (kFirstSecond + seed) * kUsPerSecond + seed);
      }
      packet.data[0] = 0xff;  // the buffer is writable
    }
    EXPECT_EQ(seed, 3);
    Packet packet;
    EXPECT_FALSE(reader.next(packet));
  }
}

TEST_F(Reader, GzipIsUnpacked) {
  for (const CaptureSample& sample : capture_samples()) {
    write_gzip(folder_ / "in.gz", sample.bytes);
    EXPECT_EQ(read_all(folder_ / "in.gz"), 3u) << sample.name;
  }
}

TEST_F(Reader, WireLengthIsKept) {
  CaptureBuilder b;
  b.pcap_header(1, 0xa1b2c3d4, 96);
  b.pcap_packet(1, 0, payload(96, 1), 1514);
  CaptureReader reader(file(b.bytes));
  Packet packet;
  ASSERT_TRUE(reader.next(packet));
  EXPECT_EQ(packet.head_length, 96u);
  EXPECT_EQ(packet.wire_length, 1514u);
}

TEST_F(Reader, LinkTypes) {
  const std::vector<std::pair<uint32_t, LinkType>> types = {
      {1, LinkType::ethernet},
      {101, LinkType::raw_ip},
      {12, LinkType::raw_ip},
      {14, LinkType::raw_ip},
      {228, LinkType::raw_ip},
      {229, LinkType::raw_ip},
      {113, LinkType::linux_sll},
      {276, LinkType::linux_sll2},
      {0, LinkType::bsd_loopback},
      {9, LinkType::ppp},
      {108, LinkType::bsd_loopback},
      {50, LinkType::ppp},
      {284, LinkType::ethernet},
      {281, LinkType::dsa},
      {283, LinkType::dsa},
      {282, LinkType::dsa_before},
      {0x04000001, LinkType::ethernet}};  // with a checksum of 2 bytes
  for (const auto& [number, link] : types) {
    CaptureBuilder b;
    b.pcap_header(number);
    b.pcap_packet(1, 0, payload(60, 1));
    CaptureReader reader(file(b.bytes));
    Packet packet;
    ASSERT_TRUE(reader.next(packet));
    EXPECT_EQ(packet.link, link) << number;
  }
}

TEST_F(Reader, OtherLinkTypesAreRefusedByName) {
  CaptureBuilder b;
  b.pcap_header(127);
  const auto path = file(b.bytes);
  EXPECT_THAT([&] { CaptureReader reader(path); },
              ThrowsMessage<Error>(AllOf(HasSubstr(path.string()), HasSubstr("IEEE802_11_RADIO"),
                                         HasSubstr("Ethernet"), HasSubstr("PPP"))));
}

TEST_F(Reader, NoCapture) {
  EXPECT_THAT([&] { CaptureReader r(folder_ / "none"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("none"), HasSubstr("No such file"))));
  EXPECT_THAT([&] { CaptureReader r(folder_.path()); }, ThrowsMessage<Error>(HasSubstr("folder")));
  EXPECT_THAT([&] { CaptureReader r(file({})); }, ThrowsMessage<Error>(HasSubstr("empty")));
  EXPECT_THAT(
      [&] {
        CaptureReader r(file({'h', 'e', 'l', 'l', 'o'}));
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("no pcap"), HasSubstr("68 65 6c 6c"))));
  EXPECT_THAT([&] { CaptureReader r(file({'h'})); }, ThrowsMessage<Error>(HasSubstr("no pcap")));
}

// Cut off at any byte: all packets before, then an error that names file and packet; no error only
// between two records.
TEST_F(Reader, CutOffAnywhere) {
  for (const CaptureSample& sample : capture_samples()) {
    SCOPED_TRACE(sample.name);
    int whole = 0;
    for (size_t length = 1; length < sample.bytes.size(); ++length) {
      const auto path =
          file(Bytes(sample.bytes.begin(), sample.bytes.begin() + static_cast<ptrdiff_t>(length)));
      uint64_t packets = 0;
      try {
        CaptureReader reader(path);
        for (Packet packet; reader.next(packet);) ++packets;
        ++whole;
      } catch (const Error& error) {
        const std::string what = error.what();
        EXPECT_THAT(what, HasSubstr(path.string()));
        if (packets > 0) {
          EXPECT_THAT(what, HasSubstr("packet " + std::to_string(packets + 1)));
          EXPECT_THAT(what, HasSubstr("ends inside"));
        }
      }
      EXPECT_LE(packets, 3u);
    }
    EXPECT_GE(whole, 2);
    EXPECT_LE(whole, 8);
  }
}

TEST_F(Reader, CutOffGzip) {
  const Bytes whole = capture_samples()[0].bytes;
  write_gzip(folder_ / "whole.gz", whole);
  Bytes packed = read_file(folder_ / "whole.gz");
  packed.resize(packed.size() - 12);
  const auto path = file(packed);
  EXPECT_THAT([&] { read_all(path); },
              ThrowsMessage<Error>(AllOf(HasSubstr(path.string()), HasSubstr("cut off"))));
  packed = read_file(folder_ / "whole.gz");
  packed[packed.size() - 6] ^= 0xff;  // the checksum
  EXPECT_THAT([&] { read_all(file(packed)); }, ThrowsMessage<Error>(HasSubstr("damaged")));
}

TEST_F(Reader, DamagedLengths) {
  CaptureBuilder b;
  b.pcap_header(1);
  b.pcap_packet(1, 1, payload(60, 1));
  b.u32(2);
  b.u32(2);
  b.u32(0x7fffffff);
  b.u32(60);
  b.append(payload(60, 1));
  EXPECT_THAT([&] { read_all(file(b.bytes)); },
              ThrowsMessage<Error>(AllOf(HasSubstr("packet 2"), HasSubstr("2147483647"))));

  for (const uint32_t length : {0u, 11u, 13u, 0xfffffff0u}) {
    CaptureBuilder ng;
    ng.section();
    ng.interface(1);
    ng.enhanced_packet(0, 1, payload(60, 1));
    ng.u32(6);
    ng.u32(length);
    ng.append(Bytes(64));
    EXPECT_THAT(
        [&] { read_all(file(ng.bytes)); },
        ThrowsMessage<Error>(AllOf(HasSubstr("packet 2"), HasSubstr(std::to_string(length)))));
  }
}

TEST_F(Reader, BlockLengthsMustAgree) {
  CaptureBuilder b;
  b.section();
  b.interface(1);
  b.enhanced_packet(0, 1, payload(60, 1));
  b.bytes[b.bytes.size() - 4] ^= 4;
  EXPECT_THAT([&] { read_all(file(b.bytes)); },
              ThrowsMessage<Error>(AllOf(HasSubstr("packet 1"), HasSubstr("at its end"))));
}

TEST_F(Reader, CapturedLengthMustFitItsBlock) {
  CaptureBuilder b;
  b.section();
  b.interface(1);
  const size_t at = b.bytes.size();
  b.enhanced_packet(0, 1, payload(60, 1));
  b.bytes[at + 20] = 61;
  EXPECT_THAT([&] { read_all(file(b.bytes)); },
              ThrowsMessage<Error>(AllOf(HasSubstr("packet 1"), HasSubstr("61 captured"))));
}

TEST_F(Reader, ProgressRunsFromZeroToOne) {
  CaptureBuilder b;
  b.pcap_header(1);
  for (uint32_t i = 0; i < 5000; ++i) b.pcap_packet(i, 0, payload(1000, 1));
  CaptureReader reader(file(b.bytes));
  double last = reader.progress();
  EXPECT_LT(last, 0.2);
  for (Packet packet; reader.next(packet);) {
    EXPECT_GE(reader.progress(), last);
    last = reader.progress();
  }
  EXPECT_EQ(last, 1.0);
}

}  // namespace
}  // namespace flowmark::test
