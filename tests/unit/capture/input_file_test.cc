#include "capture/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>

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

struct Packer {
  const char* name;
  Bytes (*pack)(Bytes);
};

void PrintTo(const Packer& packer, std::ostream* out) {
  *out << packer.name;
}

class PackedInputFileTest : public InputFileTest, public testing::WithParamInterface<Packer> {
 protected:
  static Bytes pack(Bytes bytes) { return GetParam().pack(std::move(bytes)); }
  static std::string says(const std::string& what) {
    return std::string("/in: the ") + GetParam().name + " data " + what;
  }
};

INSTANTIATE_TEST_SUITE_P(All, PackedInputFileTest,
                         testing::Values(Packer{"xz", [](Bytes b) { return xz(b); }},
                                         Packer{"bzip2", [](Bytes b) { return bzip2(b); }}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_P(PackedInputFileTest, IsUnpackedWhateverThePieces) {
  const Bytes plain = numbers(300'000);  // packed bigger than the reader's buffer
  const Bytes packed = pack(plain);
  ASSERT_GT(packed.size(), 65'536u);
  EXPECT_EQ(read(packed), plain);
  EXPECT_EQ(read(packed, 1000), plain);
  EXPECT_EQ(read(pack({})), Bytes{});
  const Bytes zeros(5'000'000);  // some bytes of packed data are all of it
  EXPECT_EQ(read(pack(zeros), 1000), zeros);
}

TEST_P(PackedInputFileTest, StreamsBehindEachOtherAreOneFile) {
  const Bytes one = numbers(10), other = numbers(2000);
  EXPECT_EQ(read(joined(pack(one), pack(other))), joined(one, other));
  EXPECT_EQ(read(joined(pack({}), pack(other))), other);
}

TEST_P(PackedInputFileTest, Lines) {
  write_file(folder_ / "in", pack({'a', '\r', '\n', '\n', 'b'}));
  InputFile file(folder_ / "in");
  std::string line;
  for (const char* expected : {"a", "", "b"}) {
    ASSERT_TRUE(file.read_line(line, 10));
    EXPECT_EQ(line, expected);
  }
  EXPECT_FALSE(file.read_line(line, 10));
}

TEST_P(PackedInputFileTest, CutDataGivesWhatThereIsThenAnError) {
  const Bytes plain = numbers(300'000);
  Bytes packed = pack(plain);
  packed.resize(packed.size() - 10);
  write_file(folder_ / "in", packed);
  InputFile file(folder_ / "in");
  Bytes some(1000);
  EXPECT_EQ(file.read(some), some.size());
  EXPECT_TRUE(std::equal(some.begin(), some.end(), plain.begin()));
  const auto rest = [&] {
    while (file.read(some) > 0) {
    }
  };
  EXPECT_THAT(rest, ThrowsMessage<Error>(HasSubstr(says("is cut off"))));
}

TEST_P(PackedInputFileTest, DamageIsAnErrorThatNamesTheFile) {
  const Bytes good = pack(numbers(1000));
  for (const size_t place : {good.size() / 3, good.size() / 2, good.size() - 3}) {
    Bytes bad = good;
    bad[place] ^= 0x55;
    EXPECT_THAT([&] { read(bad); }, ThrowsMessage<Error>(HasSubstr(says("")))) << place;
  }
  EXPECT_THAT([&] { read(joined(good, Bytes(12, 'x'))); },
              ThrowsMessage<Error>(HasSubstr(says("is damaged"))));
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
  const std::string text = "BZh9 is how bzip2 begins\n";
  EXPECT_EQ(read(Bytes(text.begin(), text.end())), Bytes(text.begin(), text.end()));
  write_gzip(folder_ / "packed", plain);
  EXPECT_EQ(read(read_file(folder_ / "packed")), plain);
}

}  // namespace
