#include "mark/ef_guard.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

TEST(EfGuard, WithoutARateEverythingPasses) {
  EfGuard guard(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(guard.admit(1500, 0));
}

TEST(EfGuard, CapsTheLongRunRate) {
  constexpr uint64_t kRate = 100'000;  // bytes a second
  EfGuard guard(kRate);
  uint64_t admitted = 0;
  for (TimeUs now = 0; now < 10 * kUsPerSecond; now += kUsPerMs) {  // offered: ten times the rate
    if (guard.admit(1000, now)) admitted += 1000;
  }
  EXPECT_GE(admitted, 10 * kRate * 99 / 100);
  EXPECT_LE(admitted, 10 * kRate + kRate / 4 + 1000);
}

TEST(EfGuard, LetsTrafficBelowTheRatePassWhole) {
  EfGuard guard(100'000);
  for (TimeUs now = 0; now < 10 * kUsPerSecond; now += 20 * kUsPerMs) {
    EXPECT_TRUE(guard.admit(200, now)) << now;  // one call: 10 kB/s
  }
}

TEST(EfGuard, ALongPauseFillsNoMoreThanTheBurst) {
  EfGuard guard(4000);  // burst 1000
  EXPECT_TRUE(guard.admit(1000, 0));
  EXPECT_TRUE(guard.admit(1000, 3600 * kUsPerSecond));
  EXPECT_FALSE(guard.admit(1, 3600 * kUsPerSecond));
}

TEST(EfGuard, LowRatesLoseNoFractions) {
  EfGuard guard(40);  // bytes a second, burst 10
  EXPECT_TRUE(guard.admit(10, 0));
  TimeUs now = 0;
  for (; now <= 250 * kUsPerMs; now += 100) (void)guard.admit(1000, now);
  EXPECT_TRUE(guard.admit(10, now));
}

}  // namespace
}  // namespace flowmark
