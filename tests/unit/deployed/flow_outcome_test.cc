// Flows of small and of large packets, before a model that tells them apart (support/fake_model.h).
#include "deployed/flow_outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deployed/deployed_evaluation.h"
#include "support/fake_model.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

/// Small packets get EF, large ones AF11; the first verdict comes after four packets.
Deployment size_deployment(bool admits = false) {
  Deployment deployment;
  deployment.models = std::make_shared<const ModelSet>(
      1, std::vector<ActiveModel>{testing::active(testing::size_model(testing::histogram_spec()))});
  deployment.options.table.capacity = 16;
  deployment.options.window_memory_bytes = 1U << 20;
  deployment.options.direction = DirectionRule::lan_port;
  deployment.marking.classes = {{"small", dscp::kExpedited}, {"large", dscp::kAf11}};
  deployment.marking.lan_classes = deployment.marking.classes;
  deployment.admits = admits;
  return deployment;
}

void append(RecordedFlow& flow, uint16_t size, size_t packets, TimeUs step_us = 10'000) {
  for (size_t i = 0; i < packets; ++i) {
    const TimeUs last = flow.packets.empty() ? 1'700'000'000'000'000 : flow.packets.back().time_us;
    const auto direction = flow.packets.size() % 3 == 0 ? Direction::down : Direction::up;
    flow.packets.push_back({last + step_us, size, direction, false});
  }
}

TEST(FlowOutcome, PacketsBeforeTheFirstVerdictAreNotMarked) {
  RecordedFlow flow;
  append(flow, 100, 20);
  const FlowOutcome outcome = judge_flow(flow, "small", size_deployment());
  EXPECT_THAT(outcome.by_class.packets, ElementsAre(16, 0, 4));
  EXPECT_THAT(outcome.by_class.bytes, ElementsAre(1600, 0, 400));
  EXPECT_THAT(outcome.by_treatment.packets, ElementsAre(16, 0, 4));
  EXPECT_EQ(outcome.at_end, Fate::right);
  ASSERT_TRUE(outcome.first_right);
  EXPECT_EQ(outcome.first_right->packets, 4U);
  EXPECT_EQ(outcome.first_right->us, 40'000);
  EXPECT_FALSE(outcome.first_wrong);
  EXPECT_THAT(outcome.marks, ElementsAre(Pair(Pair(dscp::kExpedited, dscp::kDefault), 4),
                                         Pair(Pair(dscp::kExpedited, dscp::kExpedited), 16)));
}

TEST(FlowOutcome, AWrongMarkIsSeenFromItsFirstPacketToItsLast) {
  RecordedFlow flow;
  append(flow, 100, 8);
  append(flow, 1000, 200);
  const FlowOutcome outcome = judge_flow(flow, "large", size_deployment());
  ASSERT_TRUE(outcome.first_wrong && outcome.last_wrong && outcome.first_right);
  EXPECT_EQ(outcome.first_wrong->packets, 4U);
  EXPECT_EQ(outcome.last_wrong->packets + 1, outcome.first_right->packets);
  EXPECT_EQ(outcome.at_end, Fate::right);
  EXPECT_EQ(outcome.by_class.packets[1], outcome.last_wrong->packets - 3);
  EXPECT_EQ((outcome.marks.at({dscp::kAf11, dscp::kExpedited})), outcome.by_class.packets[1]);
}

TEST(FlowOutcome, SilenceEndsAFlowAndItsVerdict) {
  RecordedFlow flow;
  append(flow, 100, 8);
  append(flow, 100, 1, 121 * kUsPerSecond);
  append(flow, 100, 7);
  const FlowOutcome outcome = judge_flow(flow, "small", size_deployment());
  EXPECT_THAT(outcome.by_class.packets, ElementsAre(8, 0, 8));
}

TEST(FlowOutcome, AClassWithoutAMarkIsToLeaveAsItCame) {
  RecordedFlow flow;
  append(flow, 100, 20);
  const FlowOutcome outcome = judge_flow(flow, "other", size_deployment());
  EXPECT_THAT(outcome.by_class.packets, ElementsAre(0, 16, 4));
  EXPECT_THAT(outcome.by_treatment.packets, ElementsAre(4, 16, 0));
}

// 1 Mbit/s a flow is far more than the limit of 100 kbit/s.
TEST(FlowOutcome, WhoSendsTooMuchForALiveMarkIsNotAdmitted) {
  RecordedFlow flow;
  append(flow, 120, 4000, 1000);
  Deployment deployment = size_deployment(true);
  deployment.marking.ef_flow_kbit = 100;
  const FlowOutcome refused = judge_flow(flow, "small", deployment);
  EXPECT_LT(refused.by_treatment.packets[0], 2000U);
  EXPECT_GT(refused.by_class.packets[0], 3900U);
  deployment.admits = false;
  EXPECT_EQ(judge_flow(flow, "small", deployment).by_treatment.packets[0],
            refused.by_class.packets[0]);
}

TEST(DeployedEvaluation, TheTwoFiguresOfALiveMark) {
  RecordedFlow small, large;
  append(small, 100, 24);
  append(large, 1000, 24);
  const Deployment deployment = size_deployment();
  DeployedEvaluation evaluation({.replicates = 100});
  evaluation.add(judge_flow(small, "small", deployment), "small", "a");
  evaluation.add(judge_flow(large, "small", deployment), "small", "b");
  evaluation.add(judge_flow(small, "large", deployment), "large", "c");
  const auto rows = evaluation.live_marks();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].mark, dscp::kExpedited);
  EXPECT_EQ(rows[0].use.wanted, 48U);
  EXPECT_EQ(rows[0].use.seen, 20U);
  EXPECT_EQ(rows[0].use.left, 40U);
  EXPECT_EQ(rows[0].use.of_others, 20U);
  EXPECT_EQ(rows[0].use.of_live, 0U);
  EXPECT_EQ(rows[0].use.wanted_flows, 2U);
  EXPECT_EQ(rows[0].use.seen_flows, 1U);
  EXPECT_DOUBLE_EQ(rows[0].use.false_share(), 0.5);
  EXPECT_LE(rows[0].false_share.low, 0.5);
  EXPECT_GE(rows[0].false_share.high, 0.5);
  EXPECT_LT(rows[0].recall.low, rows[0].recall.high);
  EXPECT_EQ(evaluation.all().flows[0], 1U);
  EXPECT_EQ(evaluation.classes().at("small").flows[1], 1U);
}

TEST(DeployedEvaluation, FlowsOfOneSessionAreDrawnTogether) {
  RecordedFlow small, large;
  append(small, 100, 24);
  append(large, 1000, 24);
  const Deployment deployment = size_deployment();
  DeployedEvaluation evaluation({.replicates = 100});
  evaluation.add(judge_flow(small, "small", deployment), "small", "one");
  evaluation.add(judge_flow(large, "small", deployment), "small", "one");
  const auto rows = evaluation.live_marks();
  EXPECT_EQ(rows[0].recall.low, rows[0].recall.high) << "one session has no spread";
}

}  // namespace
}  // namespace flowmark
