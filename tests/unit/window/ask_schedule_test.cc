// When a model is asked: the rule that live flows and training share.
#include "window/ask_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace flowmark {
namespace {

using ::testing::ElementsAre;

/// The packets at which a flow with `step_ms` between packets is asked, of its first `packets`.
std::vector<uint32_t> asked_at(const AskPolicy& policy, int64_t step_ms, uint32_t packets) {
  std::vector<uint32_t> asked;
  AskSchedule schedule = AskSchedule::first(policy);
  for (uint32_t packet = 1; packet <= packets; ++packet) {
    const int64_t age_ms = (packet - 1) * step_ms;
    if (!schedule.is_due(packet, age_ms)) continue;
    schedule.ask(packet, age_ms, policy);
    asked.push_back(packet);
  }
  return asked;
}

TEST(AskSchedule, CountsDoubleUpToTheHop) {
  EXPECT_THAT(asked_at({.min_packets = 16, .hop_packets = 64}, 0, 300),
              ElementsAre(16, 32, 64, 128, 192, 256));
}

TEST(AskSchedule, TheFirstTimeNeedsPacketsAndAge) {
  const AskPolicy policy{.min_packets = 4, .min_us = kUsPerSecond, .hop_packets = 100};
  EXPECT_THAT(asked_at(policy, 100, 25), ElementsAre(11, 22));
  EXPECT_THAT(asked_at(policy, 1000, 9), ElementsAre(4, 8));
}

TEST(AskSchedule, LaterEitherWillDo) {
  const AskPolicy policy{.min_packets = 4, .hop_us = 3 * kUsPerSecond};
  EXPECT_THAT(asked_at(policy, 1000, 14), ElementsAre(4, 7, 10, 13));
}

TEST(AskSchedule, NumbersOfPacketsThatStopAreNotDueForEver) {
  const AskPolicy policy{.hop_packets = 1000};
  AskSchedule schedule = AskSchedule::first(policy);
  const uint32_t most = UINT32_MAX - 10;
  schedule.ask(most, 0, policy);
  EXPECT_FALSE(schedule.has_packets(most));
}

TEST(AskSchedule, AFlowIsNeverYoungerThanNothing) {
  EXPECT_EQ(AskSchedule::age_ms(5000, 1000), 0);
  EXPECT_EQ(AskSchedule::age_ms(5000, 9999), 4);
}

}  // namespace
}  // namespace flowmark
