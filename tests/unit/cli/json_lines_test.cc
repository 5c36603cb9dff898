#include "cli/json_lines.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace flowmark {
namespace {

std::string text_of(const JsonLine& line) {
  std::string text;
  append_line(text, line);
  EXPECT_TRUE(text.ends_with('\n'));
  text.pop_back();
  return text;
}

std::string text_of(float value) {
  return text_of(json_number(value));
}

void expect_reads_back(float value) {
  const std::string text = text_of(value);
  EXPECT_EQ(std::strtof(text.c_str(), nullptr), value) << text;
}

TEST(JsonLine, KeepsTheOrderOfItsKeys) {
  JsonLine line;
  line["window"] = 2U;
  line["flow"] = "a";
  line["bins"] = {1, 2};
  line["window"] = 3U;
  EXPECT_EQ(text_of(line), R"({"window":3,"flow":"a","bins":[1,2]})");
}

TEST(JsonLine, IsAppendedToTheLinesBefore) {
  std::string lines = "first\n";
  append_line(lines, {{"window", 1}});
  EXPECT_EQ(lines, "first\n{\"window\":1}\n");
}

TEST(JsonLine, EscapesWhatAJsonStringCannotHold) {
  EXPECT_EQ(text_of("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(text_of("\n\t\r\b\f"), R"("\n\t\r\b\f")");
  EXPECT_EQ(text_of(std::string("\x01\x1f\0", 3)), R"("\u0001\u001f\u0000")");
  EXPECT_EQ(text_of("/\x7f"), "\"/\x7f\"");
}

TEST(JsonLine, KeepsValidUtf8) {
  for (const std::string text : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_EQ(text_of(text), '"' + text + '"');
  }
}

TEST(JsonLine, ReplacesBytesThatAreNotUtf8) {
  const std::string replacement = "\xef\xbf\xbd";
  EXPECT_EQ(text_of("a\xff"
                    "b"),
            "\"a" + replacement + "b\"");
  EXPECT_EQ(text_of("cut \xc3"), "\"cut " + replacement + '"');
  EXPECT_EQ(text_of("\x80"), '"' + replacement + '"');
}

TEST(JsonLine, IsValidJsonWhateverTheBytes) {
  std::mt19937 random(1);
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes(1 + random() % 8, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::string text = text_of(bytes);
    EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  }
}

TEST(JsonNumber, HasNoPointWhereItIsWhole) {
  EXPECT_EQ(text_of(0.0F), "0");
  EXPECT_EQ(text_of(1.0F), "1");
  EXPECT_EQ(text_of(-3.0F), "-3");
  EXPECT_EQ(text_of(100'000.0F), "100000");
  EXPECT_EQ(text_of(16'777'215.0F), "16777215");
}

TEST(JsonNumber, HasTheDigitsOfAFloat) {
  EXPECT_EQ(text_of(0.1F), "0.1");
  EXPECT_EQ(text_of(1.0F / 3), "0.33333334");
  EXPECT_EQ(text_of(-2.5F), "-2.5");
  EXPECT_EQ(text_of(1e-7F), "1e-07");
}

TEST(JsonNumber, ReadsNullWhereItIsNotFinite) {
  using Limits = std::numeric_limits<float>;
  for (const float value : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    EXPECT_EQ(text_of(value), "null");
  }
}

TEST(JsonNumber, ReadsBackEqualAtTheLimits) {
  using Limits = std::numeric_limits<float>;
  for (const float value : {Limits::min(), Limits::denorm_min(), Limits::max(), Limits::lowest(),
                            Limits::epsilon(), 16'777'216.0F, 0x1p63F, 0x1p64F}) {
    expect_reads_back(value);
    expect_reads_back(std::nextafter(value, 0.0F));
  }
}

TEST(JsonNumber, ReadsBackEqualForRandomBits) {
  std::mt19937 random(2);
  for (int i = 0; i < 1 << 16; ++i) {
    const auto value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isfinite(value)) expect_reads_back(value);
  }
}

}  // namespace
}  // namespace flowmark
