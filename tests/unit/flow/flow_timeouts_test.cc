// When flows leave the table by themselves.
#include <gtest/gtest.h>

#include "unit/flow/map_model.h"

namespace flowmark {
namespace {

TEST(FlowTimeouts, TimeoutsCountFromTheLastPacketAndByKind) {
  MapModel model(small_options());
  model.burst({1}, 0);              // young
  model.burst({2, 2}, 0);           // ordinary
  model.burst({3, 3, 3, 3, 3}, 0);  // closing
  model.expire(500'999, model.table().id_end());
  EXPECT_EQ(model.table().size(), 3U);
  model.expire(501'000, model.table().id_end());
  EXPECT_EQ(model.table().size(), 2U);
  EXPECT_EQ(model.table().find(key_of(3)), kNoFlow);
  model.burst({2}, 1'000'000);
  model.expire(2'001'000, model.table().id_end());
  EXPECT_EQ(model.table().find(key_of(1)), kNoFlow);
  model.expire(11'000'999, model.table().id_end());
  EXPECT_NE(model.table().find(key_of(2)), kNoFlow);
  model.expire(11'001'000, model.table().id_end());
  EXPECT_EQ(model.table().size(), 0U);
  EXPECT_EQ(model.table().counters().expired, 3U);
}

TEST(FlowTimeouts, AFlowPastItsTimeoutBeginsAnew) {
  MapModel model(small_options());
  model.burst({7, 7, 7}, 0);
  model.burst({7}, 10'001'000);
  EXPECT_EQ(model.removals, 1U);
  EXPECT_EQ(model.table()[model.flows.at(7).id].packets, 1U);
  EXPECT_EQ(model.table().counters().inserted, 2U);
  EXPECT_EQ(model.table().counters().expired, 1U);
}

TEST(FlowTimeouts, TheWalkComesByEverybodyInTurn) {
  FlowTable::Options options = small_options();
  MapModel model(options);
  std::vector<uint32_t> numbers(1000);
  for (uint32_t i = 0; i < 1000; ++i) numbers[i] = i;
  model.burst(numbers, 0);
  uint32_t calls = 0;
  for (; model.table().size() > 0 && calls < 1000; ++calls) model.expire(60'000'000, 10);
  EXPECT_LE(calls, model.table().id_end() / 10 + 1);
  ASSERT_NO_FATAL_FAILURE(model.expect_same());
}

TEST(FlowTimeouts, RunsOnWhenTheMillisecondsWrap) {
  MapModel model(small_options());
  const TimeUs wrap = (TimeUs{1} << 32) * 1000;
  model.burst({1, 1}, wrap - 5'000'000);
  model.burst({1}, wrap + 4'000'000);
  model.expire(wrap + 4'000'000, model.table().id_end());
  EXPECT_EQ(model.table().size(), 1U);
  model.expire(wrap + 14'001'000, model.table().id_end());
  EXPECT_EQ(model.table().size(), 0U);
  EXPECT_EQ(model.wrong_removals, 0U);
}

// Milliseconds in 32 bits come round after 49.7 days.
TEST(FlowTimeouts, ALeapOfAnyLengthIsPastEveryTimeout) {
  constexpr TimeUs kRound = (TimeUs{1} << 32) * 1000;
  constexpr TimeUs kDay = TimeUs{24} * 3600 * 1'000'000;
  for (const TimeUs leap_us : {kDay, kRound, kRound + 1'000'000, 1000 * kDay}) {
    MapModel model(small_options());
    TimeUs now_us = 1'700'000'000'000'000;
    model.burst({1, 1, 2, 2}, now_us);
    now_us += leap_us;
    model.burst({1}, now_us);
    EXPECT_EQ(model.removals, 1U) << leap_us << ": its key begins a new flow";
    model.expire(now_us, model.table().id_end());
    EXPECT_EQ(model.table().size(), 1U) << leap_us;
    EXPECT_EQ(model.wrong_removals, 0U);
  }
}

TEST(FlowTimeouts, TellsOtherTimesOnItsClock) {
  MapModel model(small_options());
  TimeUs now_us = 1'700'000'000'000'000;
  for (const TimeUs leap_us : {0, 999, 1'000'000'000}) {
    now_us += leap_us;
    model.burst({1}, now_us);
    EXPECT_EQ(model.table().to_ms(now_us), model.table().now_ms());
    EXPECT_EQ(model.table().to_ms(now_us + 5'000'000) - model.table().now_ms(), 5000U);
    EXPECT_EQ(model.table().now_ms() - model.table().to_ms(now_us - 5'000'000), 5000U);
  }
}

}  // namespace
}  // namespace flowmark
