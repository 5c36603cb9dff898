#include "telemetry/latency_histogram.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace flowmark {
namespace {

TEST(LatencyHistogram, BucketsFollowEachOtherWithoutAGap) {
  for (size_t i = 0; i < LatencyHistogram::size(); ++i) {
    const uint64_t last = LatencyHistogram::upper_bound(i);
    ASSERT_EQ(LatencyHistogram::index_of(last), i);
    if (i + 1 < LatencyHistogram::size()) {
      ASSERT_EQ(LatencyHistogram::index_of(last + 1), i + 1);
    }
  }
  EXPECT_EQ(LatencyHistogram::upper_bound(LatencyHistogram::size() - 1),
            LatencyHistogram::kLargest);
  EXPECT_EQ(LatencyHistogram::index_of(UINT64_MAX), LatencyHistogram::size() - 1);
}

TEST(LatencyHistogram, QuantilesAreAtMostASixteenthTooLarge) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> draw(8, 2);
  std::vector<uint64_t> values;
  LatencyHistogram histogram;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<uint64_t>(draw(random)));
    histogram.observe(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(q * 100'000)) - 1;
    const uint64_t exact = values[rank];
    EXPECT_GE(histogram.quantile(q), exact) << q;
    EXPECT_LE(histogram.quantile(q), exact + exact / 16) << q;
  }
  EXPECT_EQ(histogram.count(), 100'000U);
}

TEST(LatencyHistogram, CountsBelowPowersOfTwoExactly) {
  LatencyHistogram histogram;
  for (const uint64_t ns : {0, 31, 32, 1023, 1024, 1025, 4095, 4096}) histogram.observe(ns);
  EXPECT_EQ(histogram.count_below_power(5), 2U);
  EXPECT_EQ(histogram.count_below_power(10), 4U);
  EXPECT_EQ(histogram.count_below_power(12), 7U);
  EXPECT_EQ(histogram.count_below_power(36), 8U);
  EXPECT_EQ(histogram.sum(), 31U + 32 + 1023 + 1024 + 1025 + 4095 + 4096);
}

TEST(LatencyHistogram, WithoutValuesEveryQuantileIsZero) {
  EXPECT_EQ(LatencyHistogram().quantile(0.999), 0U);
}

}  // namespace
}  // namespace flowmark
