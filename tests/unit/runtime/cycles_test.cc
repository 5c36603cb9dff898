#include "runtime/cycles.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kYearS = 365 * 24 * 3600;

// 25 MHz and 1 GHz are usual on arm64, 2.6 GHz on x86.
TEST(Cycles, AreScaledOnceAtAnyFrequencyAndForYears) {
  for (const uint64_t frequency :
       {25'000'000ULL, 54'000'000ULL, 1'000'000'000ULL, 2'600'000'000ULL}) {
    const CycleScale scale(frequency);
    EXPECT_EQ(scale.to_ns(frequency), kNsPerSecond) << frequency;
    EXPECT_EQ(scale.to_us(frequency), kNsPerSecond / 1000) << frequency;
    EXPECT_NEAR(static_cast<double>(scale.to_us(2 * kYearS * frequency)), 2e6 * kYearS, 1.0);
    EXPECT_NEAR(static_cast<double>(scale.to_ns(2 * kYearS * frequency)), 2e9 * kYearS, 1000.0);
  }
}

TEST(Cycles, ACounterThatRanBackStoodStill) {
  EXPECT_EQ(cycles_between(10, 17), 7U);
  EXPECT_EQ(cycles_between(17, 10), 0U);
  EXPECT_EQ(cycles_between(UINT64_MAX, 0), 0U);
}

}  // namespace
}  // namespace flowmark
