#include "feature/log_bins.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace flowmark {
namespace {

TEST(LogBins, EdgesThatAreWholeNumbersStayThem) {
  EXPECT_EQ(LogBins({6, 1, 1e6}).edges(), (std::vector<uint32_t>{10, 100, 1000, 10000, 100000}));
  EXPECT_EQ(LogBins({3, 1, 1000}).edges(), (std::vector<uint32_t>{10, 100}));
  EXPECT_EQ(LogBins({8, 1, 256}).edges(), (std::vector<uint32_t>{2, 4, 8, 16, 32, 64, 128}));
}

TEST(LogBins, OneBinTakesAll) {
  const LogBins bins({1, 40, 1500});
  EXPECT_EQ(bins.bin(0), 0U);
  EXPECT_EQ(bins.bin(0xffffffff), 0U);
}

TEST(LogBins, ValuesOutsideAreClamped) {
  const LogBins bins({16, 40, 1500});
  EXPECT_EQ(bins.bin(0), 0U);
  EXPECT_EQ(bins.bin(39), 0U);
  EXPECT_EQ(bins.bin(1500), 15U);
  EXPECT_EQ(bins.bin(65535), 15U);
  EXPECT_EQ(bins.bin(0xffffffff), 15U);
}

TEST(LogBins, AgreeWithTheLogarithm) {
  const LogAxis axes[] = {{16, 40, 1500},         {30, 1, 10e6},     {30, 100, 60e6},
                          {256, 1, 4294967295.0}, {255, 1000, 1001}, {100, 0.001, 7.5},
                          {2, 3, 4000000000.0},   {7, 0.5, 65535}};
  std::mt19937_64 random(1);
  for (const LogAxis& axis : axes) {
    const LogBins bins(axis);
    EXPECT_EQ(bins.bins(), axis.bins);
    std::vector<uint32_t> values = {0, 1, 2, 7, 8, 9, 15, 16, 17, 0xffffffff};
    for (int i = 0; i < 20000; ++i) values.push_back(uint32_t(random()) >> (random() % 32));
    for (const uint32_t edge : bins.edges()) values.insert(values.end(), {edge, edge - 1});
    for (const uint32_t value : values) {
      const long double min = axis.min;
      const long double place =
          value == 0 ? -1 : axis.bins * std::log(value / min) / std::log(axis.max / min);
      // Where rounding decides between neighbours the definition by whole edges holds.
      if (std::abs(place - std::round(place)) < 1e-8L * axis.bins) continue;
      const auto expected = static_cast<uint32_t>(
          std::min<long double>(std::max<long double>(std::floor(place), 0), axis.bins - 1));
      ASSERT_EQ(bins.bin(value), expected) << value << " of " << axis.min << ".." << axis.max;
    }
  }
}

TEST(LogBins, AValueOnAnEdgeBelongsAboveIt) {
  const LogBins bins({16, 40, 1500});
  for (uint32_t i = 0; i < bins.edges().size(); ++i) {
    EXPECT_EQ(bins.bin(bins.edges()[i]), i + 1);
    EXPECT_EQ(bins.bin(bins.edges()[i] - 1), i);
  }
}

}  // namespace
}  // namespace flowmark
