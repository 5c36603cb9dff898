#include "capture/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "tests/unit/capture/test_files.h"

using namespace flowmark;
using namespace flowmark::test;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace {

Bytes numbers(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += std::to_string(i * 2654435761u % 1'000'003) + "\n";
  return Bytes(text.begin(), text.end());
}

Bytes joined(Bytes one, const Bytes& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

class InputFileTest : public testing::Test {
 protected:
  Bytes read(const Bytes& content, size_t piece = 1 << 20) {
    write_file(folder_ / "in", content);
    InputFile file(folder_ / "in");
    Bytes all, some(piece);
    for (size_t n = piece; n == piece; all.insert(all.end(), some.begin(), some.begin() + n)) {
      n = file.read(some);
    }
    EXPECT_DOUBLE_EQ(file.progress(), content.empty() ? 0.0 : 1.0);
    return all;
  }

  TemporaryFolder folder_;
};

TEST_F(InputFileTest, XzIsUnpackedWhateverThePieces) {
  const Bytes plain = numbers(100'000);  // packed bigger than the reader's buffer
  const Bytes packed = xz(plain);
  ASSERT_GT(packed.size(), 65'536u);
  EXPECT_EQ(read(packed), plain);
  EXPECT_EQ(read(packed, 1000), plain);
  EXPECT_EQ(read(xz({})), Bytes{});
}

TEST_F(InputFileTest, XzStreamsBehindEachOtherAreOneFile) {
  const Bytes one = numbers(10), other = numbers(2000);
  EXPECT_EQ(read(joined(xz(one), xz(other))), joined(one, other));
}

TEST_F(InputFileTest, LinesOfXz) {
  write_file(folder_ / "in", xz({'a', '\r', '\n', '\n', 'b'}));
  InputFile file(folder_ / "in");
  std::string line;
  for (const char* expected : {"a", "", "b"}) {
    ASSERT_TRUE(file.read_line(line, 10));
    EXPECT_EQ(line, expected);
  }
  EXPECT_FALSE(file.read_line(line, 10));
}

TEST_F(InputFileTest, CutXzGivesWhatThereIsThenAnError) {
  const Bytes plain = numbers(100'000);
  Bytes packed = xz(plain);
  packed.resize(packed.size() / 2);
  write_file(folder_ / "in", packed);
  InputFile file(folder_ / "in");
  Bytes some(1000);
  EXPECT_EQ(file.read(some), some.size());
  EXPECT_TRUE(std::equal(some.begin(), some.end(), plain.begin()));
  const auto rest = [&] {
    while (file.read(some) > 0) {
    }
  };
  EXPECT_THAT(rest, ThrowsMessage<Error>(HasSubstr("/in: the xz data is cut off")));
}

TEST_F(InputFileTest, DamagedXzIsAnErrorThatNamesTheFile) {
  const Bytes good = xz(numbers(1000));
  for (const size_t place : {size_t{7}, good.size() / 2, good.size() - 1}) {
    Bytes bad = good;
    bad[place] ^= 0x55;
    EXPECT_THAT([&] { read(bad); }, ThrowsMessage<Error>(HasSubstr("/in: the xz data "))) << place;
  }
  EXPECT_THAT([&] { read(joined(good, Bytes(12, 'x'))); },
              ThrowsMessage<Error>(HasSubstr("the xz data is damaged")));
}

TEST_F(InputFileTest, XzThatWantsTooMuchMemoryIsRefused) {
  lzma_options_lzma options;
  ASSERT_FALSE(lzma_lzma_preset(&options, 0));
  options.dict_size = 1u << 30;
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  // The header alone says how much: made by hand, a packer would take that memory first.
  Bytes packed = xz(numbers(10));
  lzma_block block{};
  block.version = 1;
  block.check = LZMA_CHECK_CRC64;
  block.compressed_size = LZMA_VLI_UNKNOWN;
  block.uncompressed_size = LZMA_VLI_UNKNOWN;
  block.filters = const_cast<lzma_filter*>(filters);
  ASSERT_EQ(lzma_block_header_size(&block), LZMA_OK);
  packed.resize(LZMA_STREAM_HEADER_SIZE + block.header_size);
  ASSERT_EQ(lzma_block_header_encode(&block, packed.data() + LZMA_STREAM_HEADER_SIZE), LZMA_OK);
  EXPECT_THAT([&] { read(packed); }, ThrowsMessage<Error>(HasSubstr("more than 128 MiB")));
}

TEST_F(InputFileTest, GzipAndPlainAreReadAsBefore) {
  const Bytes plain = numbers(1000);
  EXPECT_EQ(read(plain), plain);
  EXPECT_EQ(read({0xFD, '7', 'z'}), (Bytes{0xFD, '7', 'z'}));
  write_gzip(folder_ / "packed", plain);
  EXPECT_EQ(read(read_file(folder_ / "packed")), plain);
}

}  // namespace
