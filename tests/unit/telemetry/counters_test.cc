#include "telemetry/counters.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

TEST(Log2Histogram, PutsEveryValueAtOrBelowItsBucketsBound) {
  using Histogram = Log2Histogram<8>;
  for (uint64_t value : {0ULL, 1ULL, 2ULL, 3ULL, 4ULL, 63ULL, 64ULL, 127ULL, 1000ULL, ~0ULL}) {
    Histogram histogram;
    histogram.observe(value);
    size_t bucket = 0;
    while (histogram.bucket(bucket) == 0) ++bucket;
    if (bucket + 1 < Histogram::size()) {
      EXPECT_LE(value, Histogram::upper_bound(bucket));
    }
    if (bucket > 0) {
      EXPECT_GT(value, Histogram::upper_bound(bucket - 1));
    }
    EXPECT_EQ(histogram.sum(), value);
  }
}

TEST(LinearHistogram, CountsUpToAndWithTheBound) {
  LinearHistogram<4, 10> histogram;
  for (uint64_t value : {0ULL, 10ULL, 11ULL, 40ULL, 1000ULL}) histogram.observe(value);
  EXPECT_EQ(histogram.bucket(0), 2U);
  EXPECT_EQ(histogram.bucket(1), 1U);
  EXPECT_EQ(histogram.bucket(2), 0U);
  EXPECT_EQ(histogram.bucket(3), 2U);
  EXPECT_EQ(histogram.sum(), 1061U);
}

TEST(Counter, AddsAndResets) {
  Counter counter;
  counter.add();
  counter.add(41);
  EXPECT_EQ(counter.get(), 42U);
  counter.set(7);
  EXPECT_EQ(counter.get(), 7U);
}

}  // namespace
}  // namespace flowmark
