#include "mark/token_bucket.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

constexpr uint64_t kFifteenMbit = 1'875'000;  // bytes a second

TEST(TokenBucket, LosesNoFractionsOfAByte) {
  TokenBucket bucket;
  bucket.start(kFifteenMbit, 0);
  uint64_t passed = 0;
  TimeUs now = 0;
  for (; now < 10 * kUsPerSecond; ++now) {  // a packet each microsecond, 32 times the rate
    if (bucket.take(60, kFifteenMbit, now)) passed += 60;
  }
  const uint64_t due = kFifteenMbit * 10 + TokenBucket::burst_bytes(kFifteenMbit);
  EXPECT_LE(passed, due);
  EXPECT_GT(passed + 60, due - 2) << "every byte but what the last packet lacks";
}

TEST(TokenBucket, LetsTrafficAtItsRatePassWhole) {
  TokenBucket bucket;
  bucket.start(3, 0);  // a byte each third of a second: most steps earn a fraction of one
  for (int i = 0; i < 6; ++i) (void)bucket.take(1518 * 2 / 6, 3, 0);
  uint64_t passed = 0;
  for (TimeUs now = 0; now < 50 * kUsPerSecond; now += 7) passed += bucket.take(1, 3, now) ? 1 : 0;
  EXPECT_EQ(passed, 149U) << "3 a second, the last one on its way";
}

TEST(TokenBucket, ALongPauseFillsNoMoreThanTheBurst) {
  TokenBucket bucket;
  bucket.start(kFifteenMbit, 0);
  const auto burst = static_cast<uint32_t>(TokenBucket::burst_bytes(kFifteenMbit));
  EXPECT_TRUE(bucket.take(burst, kFifteenMbit, 0));
  EXPECT_FALSE(bucket.take(1, kFifteenMbit, 0));
  constexpr TimeUs kDay = 86'400 * kUsPerSecond;
  EXPECT_TRUE(bucket.take(burst, kFifteenMbit, kDay));
  EXPECT_FALSE(bucket.take(1, kFifteenMbit, kDay));
}

TEST(TokenBucket, TheHighestRateDoesNotOverflow) {
  constexpr uint64_t kHighest = TokenBucket::kHighestRate;
  TokenBucket bucket;
  bucket.start(kHighest, 0);
  for (TimeUs now = 0; now < 1'000'000 * kUsPerSecond; now += 1'000 * kUsPerSecond) {
    EXPECT_TRUE(bucket.take(UINT32_MAX, kHighest, now)) << now;
  }
}

TEST(TokenBucket, AClockThatStepsBackEarnsNothingAndStopsNothing) {
  TokenBucket bucket;
  bucket.start(1000, 10 * kUsPerSecond);
  while (bucket.take(1, 1000, 10 * kUsPerSecond)) {
  }
  EXPECT_FALSE(bucket.take(1, 1000, 10 * kUsPerSecond - 500'000));
  EXPECT_FALSE(bucket.take(1, 1000, 10 * kUsPerSecond)) << "this second was counted already";
  EXPECT_FALSE(bucket.take(1, 1000, kUsPerSecond)) << "another clock";
  EXPECT_TRUE(bucket.take(1000, 1000, 2 * kUsPerSecond));
}

TEST(TokenBucket, ALargerRateBringsItsBurst) {
  TokenBucket bucket;
  bucket.start(8000, 0);
  EXPECT_TRUE(bucket.take(5000, 8000, 0));
  EXPECT_EQ(bucket.lacks(200), 164U);
  bucket.change_rate(8000, 9000);
  EXPECT_TRUE(bucket.take(200, 9000, 0));
  bucket.change_rate(9000, 1000);
  EXPECT_FALSE(bucket.take(1, 1000, 0)) << "never less than nothing";
}

}  // namespace
}  // namespace flowmark
