#include "telemetry/latency_histogram.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>
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

TEST(LatencyHistogram, PowersOfTwoLieBetweenBuckets) {
  for (size_t bits = 5; bits <= 36; ++bits) {
    const HistogramBound bound = LatencyHistogram::bound(bits);
    EXPECT_EQ(bound.value, uint64_t{1} << bits);
    EXPECT_EQ(LatencyHistogram::upper_bound(bound.last_bucket), bound.value - 1);
  }
}

TEST(LatencyHistogram, CellsAreTheBucketsAndTheSum) {
  LatencyHistogram histogram;
  for (const uint64_t ns : {0, 31, 32, 4096}) histogram.observe(ns);
  const auto cells = std::as_const(histogram).cells();
  ASSERT_EQ(cells.size(), LatencyHistogram::size() + 1);
  EXPECT_EQ(cells[LatencyHistogram::index_of(4096)].get(), 1U);
  EXPECT_EQ(cells.back().get(), 31U + 32 + 4096);
  EXPECT_EQ(histogram.count(), 4U);
  EXPECT_EQ(histogram.sum(), 31U + 32 + 4096);
}

TEST(LatencyHistogram, WithoutValuesEveryQuantileIsZero) {
  EXPECT_EQ(LatencyHistogram().quantile(0.999), 0U);
}

}  // namespace
}  // namespace flowmark
