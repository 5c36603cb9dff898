#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "capture/reader.h"
#include "unit/capture/capture_builder.h"

namespace flowmark::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class Copier : public testing::Test {
 protected:
  // Copies in_ to out_, changing each packet by `change`.
  template <typename Change>
  void copy(Change change) const {
    CaptureReader reader(in_);
    CaptureCopier copier(in_, out_);
    for (Packet packet; reader.next(packet);) {
      change(packet);
      copier.write(packet);
    }
    copier.finish();
  }
  void copy() const {
    copy([](Packet&) {});
  }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(folder_.path()), {}));
  }

  TemporaryFolder folder_;
  const std::filesystem::path in_ = folder_ / "in";
  const std::filesystem::path out_ = folder_ / "out";
};

TEST_F(Copier, UnchangedPacketsGiveTheSameFile) {
  for (const CaptureSample& sample : capture_samples()) {
    write_file(in_, sample.bytes);
    copy();
    EXPECT_EQ(read_file(out_), sample.bytes) << sample.name;
  }
  EXPECT_EQ(files(), 2u);  // nothing temporary stays
}

TEST_F(Copier, OnlyChangedBytesDiffer) {
  for (const CaptureSample& sample : capture_samples()) {
    SCOPED_TRACE(sample.name);
    write_file(in_, sample.bytes);
    copy([](Packet& packet) {
      if (packet.head_length > 15) packet.data[15] ^= 0xff;
    });
    const Bytes copied = read_file(out_);
    ASSERT_EQ(copied.size(), sample.bytes.size());
    Bytes differing;
    for (size_t i = 0; i < copied.size(); ++i) {
      if (copied[i] != sample.bytes[i]) differing.push_back(sample.bytes[i]);
    }
    EXPECT_EQ(differing, (Bytes{payload(60, 1)[15], payload(61, 2)[15]}));
  }
}

// Link types, snap lengths, times and blocks that this program has no use for.
TEST_F(Copier, MergedCapture) {
  CaptureBuilder b;
  b.section();
  b.interface(1, 96);
  b.interface(113, 128, b.resolution(9));
  b.interface(127);
  b.block(10, payload(40, 9));  // decryption secrets
  b.enhanced_packet(0, 0xf0000000'00000000, payload(60, 1), 1500);
  b.enhanced_packet(1, 12345, payload(61, 2));
  b.block(5, Bytes(12));  // interface statistics
  write_file(in_, b.bytes);
  copy();
  EXPECT_EQ(read_file(out_), b.bytes);
}

// Up to a packet that cannot be read the copy is marked; from there on it is the same file.
TEST_F(Copier, CaptureThatStopsAtAnUnsupportedLinkType) {
  CaptureBuilder b;
  b.section();
  b.interface(1);
  b.interface(127);
  b.enhanced_packet(0, 1, payload(60, 1));
  b.enhanced_packet(1, 2, payload(60, 2));
  b.enhanced_packet(0, 3, payload(60, 3));
  write_file(in_, b.bytes);
  CaptureReader reader(in_);
  CaptureCopier copier(in_, out_);
  EXPECT_THROW(for (Packet packet; reader.next(packet);) copier.write(packet), Error);
  copier.finish();
  EXPECT_EQ(read_file(out_), b.bytes);
}

TEST_F(Copier, BytesBehindTheSnapLengthStay) {
  CaptureBuilder b;
  b.pcap_header(1, 0xa1b2c3d4, 40);  // and packets that are longer all the same
  b.pcap_packet(1, 1, payload(60, 1));
  b.pcap_packet(2, 2, payload(61, 2));
  write_file(in_, b.bytes);
  copy();
  EXPECT_EQ(read_file(out_), b.bytes);
}

TEST_F(Copier, RestOfTheFileIsCopiedWhenThereIsNoMoreToChange) {
  for (const CaptureSample& sample : capture_samples()) {
    write_file(in_, sample.bytes);
    CaptureCopier(in_, out_).finish();
    EXPECT_EQ(read_file(out_), sample.bytes) << sample.name;
  }
}

// What a cut-off capture still has may be marked; the torn end stays as it was.
TEST_F(Copier, CutOffCapture) {
  for (const CaptureSample& sample : capture_samples()) {
    SCOPED_TRACE(sample.name);
    Bytes bytes = sample.bytes;
    bytes.resize(bytes.size() - 3);
    write_file(in_, bytes);
    CaptureReader reader(in_);
    CaptureCopier copier(in_, out_);
    EXPECT_THROW(for (Packet packet; reader.next(packet);) copier.write(packet), Error);
    copier.finish();
    EXPECT_EQ(read_file(out_), bytes);
  }
}

TEST_F(Copier, GzipIn) {
  const Bytes bytes = capture_samples()[0].bytes;
  write_gzip(in_, bytes);
  copy();
  EXPECT_EQ(read_file(out_), bytes);
}

TEST_F(Copier, GzipOutByName) {
  const Bytes bytes = capture_samples()[0].bytes;
  write_file(in_, bytes);
  CaptureCopier(in_, folder_ / "out.gz").finish();
  const Bytes packed = read_file(folder_ / "out.gz");
  EXPECT_EQ(packed[0], 0x1f);
  EXPECT_EQ(packed[1], 0x8b);
  EXPECT_EQ(read_gzip(folder_ / "out.gz"), bytes);
}

TEST_F(Copier, NothingAppearsBeforeFinish) {
  write_file(in_, capture_samples()[0].bytes);
  write_file(out_, std::string("old"));
  {
    CaptureReader reader(in_);
    CaptureCopier copier(in_, out_);
    Packet packet;
    ASSERT_TRUE(reader.next(packet));
    copier.write(packet);
    EXPECT_EQ(read_file(out_), (Bytes{'o', 'l', 'd'}));
  }
  EXPECT_EQ(read_file(out_), (Bytes{'o', 'l', 'd'}));
  EXPECT_EQ(files(), 2u);
}

TEST_F(Copier, InPlace) {
  const Bytes bytes = capture_samples()[6].bytes;
  write_file(in_, bytes);
  CaptureCopier(in_, in_).finish();
  EXPECT_EQ(read_file(in_), bytes);
}

TEST_F(Copier, PermissionsAreThoseOfAnyNewFile) {
  write_file(in_, capture_samples()[0].bytes);
  copy();
  struct stat in {
  }, out{};
  ASSERT_EQ(stat(in_.c_str(), &in), 0);
  ASSERT_EQ(stat(out_.c_str(), &out), 0);
  EXPECT_EQ(in.st_mode, out.st_mode);
}

TEST_F(Copier, MorePacketsThanThereAre) {
  write_file(in_, capture_samples()[0].bytes);
  CaptureCopier copier(in_, out_);
  Bytes data = payload(1, 1);
  Packet packet{.data = data.data(), .head_length = 1, .wire_length = 1};
  for (int i = 0; i < 3; ++i) copier.write(packet);
  EXPECT_THAT([&] { copier.write(packet); }, ThrowsMessage<Error>(HasSubstr("only 3 packets")));
}

TEST_F(Copier, PacketLongerThanInTheFile) {
  write_file(in_, capture_samples()[0].bytes);
  CaptureCopier copier(in_, out_);
  Bytes data = payload(61, 1);
  Packet packet{.data = data.data(), .head_length = 61, .wire_length = 61};
  EXPECT_THAT([&] { copier.write(packet); },
              ThrowsMessage<Error>(HasSubstr("packet 1 has 60 bytes")));
}

TEST_F(Copier, TargetThatCannotBeWritten) {
  write_file(in_, capture_samples()[0].bytes);
  EXPECT_THAT([&] { CaptureCopier c(in_, folder_ / "no" / "out"); },
              ThrowsMessage<Error>(HasSubstr("no/out: cannot be written")));
  EXPECT_THAT([&] { CaptureCopier c(in_, "/dev/full/out"); },
              ThrowsMessage<Error>(HasSubstr("Not a directory")));
}

}  // namespace
}  // namespace flowmark::test
