#include "classify/slice_pacer.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

TEST(SlicePacer, WithoutWaitingPacketsEveryBurstHasItsSlice) {
  SlicePacer pacer(5000, 0.1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(pacer.next(false, 100), 5000U);
}

/// Uses up what was saved.
void drain(SlicePacer& pacer) {
  while (pacer.next(true, 0) != 0) pacer.spent(5000);
}

TEST(SlicePacer, ARushBeginsWithWhatQuietTimesHaveSaved) {
  SlicePacer pacer(5000, 0.1);
  for (int round = 0; round < 2; ++round) {
    uint32_t slices = 0;
    for (; pacer.next(true, 0) != 0; ++slices) pacer.spent(5000);
    EXPECT_EQ(slices, SlicePacer::kSavedSlices);
    pacer.next(false, 100);
  }
}

TEST(SlicePacer, WhilePacketsWaitInferenceGetsItsShareInWholeSlices) {
  SlicePacer pacer(5000, 0.1);
  drain(pacer);
  uint64_t forwarding_ns = 0, inference_ns = 0, last_ns = 0;
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t budget = pacer.next(true, last_ns);
    ASSERT_TRUE(budget == 0 || budget == 5000);
    const uint64_t taken = budget == 0 ? 0 : budget + 1000;  // a step too long each time
    if (budget != 0) pacer.spent(taken);
    inference_ns += taken;
    forwarding_ns += 2000;
    last_ns = 2000 + taken;
  }
  const double share =
      static_cast<double>(inference_ns) / static_cast<double>(forwarding_ns + inference_ns);
  EXPECT_NEAR(share, 0.1, 0.002);
}

TEST(SlicePacer, AShareOfZeroLeavesInferenceToQuietTimes) {
  SlicePacer pacer(5000, 0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(pacer.next(true, 1'000'000), 0U);
  EXPECT_EQ(pacer.next(false, 100), 5000U);
}

TEST(SlicePacer, ReplayIsNeverBounded) {
  SlicePacer pacer(SlicePacer::kNoBudget, 0.1);
  EXPECT_EQ(pacer.next(true, 1), SlicePacer::kNoBudget);
  EXPECT_EQ(pacer.next(false, 1), SlicePacer::kNoBudget);
}

}  // namespace
}  // namespace flowmark
