#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;
using testing::UdpFrame;

class ClassifierTest : public ClassifierFixture {};

TEST_F(ClassifierTest, MarksBothDirectionsOnceTheMinimumIsReached) {
  use({active(size_model(histogram_spec()))});
  const UdpFrame voice{.ip_length = 200};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(dscp_of(send(voice)), 0) << i;
  EXPECT_EQ(dscp_of(send(voice)), dscp::kExpedited);
  EXPECT_EQ(dscp_of(send(voice.reversed())), dscp::kExpedited);
  ASSERT_EQ(events_.all.size(), 1U);
  EXPECT_EQ(events_.all[0].class_index, 0);
  EXPECT_TRUE(events_.all[0].provisional);
  EXPECT_EQ(events_.all[0].packets, 4U);
  EXPECT_EQ(events_.all[0].mark, dscp::kExpedited);
}

TEST_F(ClassifierTest, KeepsEcn) {
  use({active(size_model(histogram_spec()))});
  const UdpFrame voice{.ip_length = 200, .tos = 0x02};
  std::vector<uint8_t> last;
  for (int i = 0; i < 6; ++i) last = send(voice);
  EXPECT_EQ(last[15], (dscp::kExpedited << 2) | 0x02);
}

TEST_F(ClassifierTest, WaitsForTheMinimumTime) {
  ActiveModel model = active(size_model(histogram_spec()));
  model.policy.min_us = kUsPerSecond;
  use({model});
  for (int i = 0; i < 100; ++i) send({}, 10'000);
  EXPECT_TRUE(events_.all.empty());
  for (int i = 0; i < 5; ++i) send({}, 10'000);
  EXPECT_EQ(events_.all.size(), 1U);
}

TEST_F(ClassifierTest, UnmarkedModeLeavesMarksThatCameAlong) {
  marking_.mode = MarkMode::unmarked;
  use({active(size_model(histogram_spec()))});
  std::vector<uint8_t> fresh, premarked;
  for (int i = 0; i < 6; ++i) fresh = send({});
  for (int i = 0; i < 6; ++i) premarked = send({.tos = dscp::kAf41 << 2});
  EXPECT_EQ(dscp_of(fresh), dscp::kExpedited);
  EXPECT_EQ(dscp_of(premarked), dscp::kAf41);
  EXPECT_GT(counters_->mark_skipped[static_cast<size_t>(MarkSkip::already_marked)].get(), 0U);
}

TEST_F(ClassifierTest, ReportModeChangesNothing) {
  marking_.mode = MarkMode::report;
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(dscp_of(send({})), 0);
  EXPECT_EQ(events_.all.size(), 1U);
}

TEST_F(ClassifierTest, AFlowOverTheLimitOfItsMarkGetsTheFallbackAsAWhole) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_flow = 10'000});
  marking_.fallback = dscp::kLowerEffort;
  use({active(size_model(histogram_spec()))});
  std::vector<Dscp> marks;
  for (int i = 0; i < 1000; ++i) {  // 200 kB/s, that comes as EF
    marks.push_back(dscp_of(send({.ip_length = 186, .tos = dscp::kExpedited << 2}, 1000)));
  }
  const auto refused = std::ranges::find(marks, dscp::kLowerEffort);
  EXPECT_LT(refused - marks.begin(), 50);
  EXPECT_EQ(std::count(refused, marks.end(), dscp::kLowerEffort), marks.end() - refused);
  EXPECT_GT(counters_->mark_skipped[static_cast<size_t>(MarkSkip::measuring)].get(), 10U);
  EXPECT_GT(counters_->demoted[static_cast<size_t>(Refusal::flow_rate)].get(), 900U);
}

TEST_F(ClassifierTest, RefusedFlowsStayAsTheyCameWhereTheFallbackIsNone) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_flow = 10'000});
  marking_.fallback = std::nullopt;
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(dscp_of(send({.ip_length = 186}, 1000)), 0);
  EXPECT_GT(counters_->mark_skipped[static_cast<size_t>(MarkSkip::ef_guard)].get(), 900U);
}

TEST_F(ClassifierTest, AFlowWithinTheLimitKeepsItsMark) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_flow = 50'000});
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 100; ++i) send({.ip_length = 186});  // 20 kB/s
  for (int i = 0; i < 400; ++i) ASSERT_EQ(dscp_of(send({.ip_length = 186})), dscp::kExpedited);
}

TEST_F(ClassifierTest, SilentFlowsGiveBackWhatTheyReserved) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_host = 50'000});
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 100; ++i) send({.ip_length = 186});
  EXPECT_GT(options_.live_budget->link_reserved(), 0U);
  for (int i = 0; i < 100; ++i) classifier().expire(now_us_ += kUsPerSecond);
  EXPECT_EQ(options_.live_budget->link_reserved(), 0U);
}

TEST_F(ClassifierTest, AbstainsBelowTheConfidence) {
  ActiveModel model = active(size_model(histogram_spec()));
  model.policy.confidence = 0.95F;
  use({model});
  for (int i = 0; i < 50; ++i) EXPECT_EQ(dscp_of(send({})), 0);
  EXPECT_TRUE(events_.all.empty());
  EXPECT_GT(counters_->models[0].abstentions.get(), 0U);
}

TEST_F(ClassifierTest, AFlowThatChangesItsKindChangesItsVerdict) {
  use({active(size_model(histogram_spec(16)))});
  for (int i = 0; i < 100; ++i) send({.ip_length = 200});
  std::vector<uint8_t> last;
  for (int i = 0; i < 200; ++i) last = send({.ip_length = 1400});
  EXPECT_EQ(dscp_of(last), dscp::kAf11);
  // In between, neither class had the confidence.
  std::vector<uint8_t> verdicts;
  for (const VerdictEvent& event : events_.all) {
    if (verdicts.empty() || event.class_index != verdicts.back())
      verdicts.push_back(event.class_index);
  }
  EXPECT_EQ(verdicts, (std::vector<uint8_t>{0, kNoClass, 1}));
}

TEST_F(ClassifierTest, WithALowConfidenceOneClassReplacesTheOther) {
  ActiveModel model = active(size_model(histogram_spec(16)));
  model.policy.confidence = 0.3F;
  use({model});
  for (int i = 0; i < 100; ++i) send({.ip_length = 200});
  for (int i = 0; i < 200; ++i) send({.ip_length = 1400});
  EXPECT_EQ(counters_->models[0].changes.get(), 1U);
  EXPECT_EQ(counters_->models[0].verdicts[1].get(), 1U);
}

TEST_F(ClassifierTest, ClassesWithoutAMarkLeaveThePacketAsItWas) {
  ActiveModel model = active(size_model(histogram_spec()));
  model.class_dscp[0] = MarkPair{};
  use({model});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(dscp_of(send({.tos = dscp::kAf41 << 2})), dscp::kAf41);
  EXPECT_EQ(events_.all.size(), 1U);
}

TEST_F(ClassifierTest, APictureModelJudgesEachDirection) {
  use({active(size_model(picture_spec()))});
  const UdpFrame large{.ip_length = 1400};
  for (int i = 0; i < 6; ++i) send(large.reversed());
  EXPECT_EQ(dscp_of(send(large)), dscp::kAf11);
}

TEST_F(ClassifierTest, AModelMayWaitForAnotherOnesVerdict) {
  ActiveModel first = active(size_model(histogram_spec()), "first");
  ActiveModel second = active(size_model(histogram_spec(32)), "second");
  second.condition = VerdictCondition{.class_mask = 0b10};  // only what `first` calls large
  second.class_dscp = {dscp::kAf41, dscp::kAf41};
  use({first, second});
  std::vector<uint8_t> small, large;
  for (int i = 0; i < 30; ++i) small = send({.ip_length = 200});
  for (int i = 0; i < 30; ++i) large = send({.source_port = 1, .ip_length = 1400});
  EXPECT_EQ(dscp_of(small), dscp::kExpedited);
  EXPECT_EQ(dscp_of(large), dscp::kAf41);
}

TEST_F(ClassifierTest, UpstreamIsWhatTheLanPortReceives) {
  options_.direction = DirectionRule::lan_port;
  options_.lan_port = 1;
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 5; ++i) send({}, 1000, 0);  // from the wan side
  ASSERT_EQ(events_.all.size(), 1U);
  const bool source_is_a = events_.all[0].key.a_port == be16_t(40000);
  EXPECT_EQ(events_.all[0].up_is_a, !source_is_a);
}

TEST_F(ClassifierTest, InsidePrefixesDecideTheDirectionBeforeThePort) {
  options_.direction = DirectionRule::lan_port;
  options_.inside = {Prefix::parse("192.0.2.0/24")};
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 5; ++i) send({});  // 10.0.0.1, outside, speaks first
  ASSERT_EQ(events_.all.size(), 1U);
  EXPECT_EQ(events_.all[0].up_is_a, events_.all[0].key.a_port == be16_t(5004));
}

TEST_F(ClassifierTest, WhatIsNotIpPassesAndIsCounted) {
  use({active(size_model(histogram_spec()))});
  std::vector<uint8_t> arp(60, 0);
  arp[12] = 0x08;
  arp[13] = 0x06;
  std::vector<uint8_t> cut = UdpFrame{}.bytes();
  cut.resize(30);
  std::array<Packet, 2> packets{testing::packet_of(arp, 1), testing::packet_of(cut, 1)};
  classifier().process(packets, {});
  EXPECT_EQ(counters_->bypassed[static_cast<size_t>(Bypass::not_ip)].get(), 1U);
  EXPECT_EQ(counters_->bypassed[static_cast<size_t>(Bypass::truncated_header)].get(), 1U);
  EXPECT_EQ(classifier().flows().size(), 0U);
}

TEST_F(ClassifierTest, WithoutModelsEveryPacketPasses) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(dscp_of(send({})), 0);
  EXPECT_EQ(counters_->bypassed[static_cast<size_t>(Bypass::no_model)].get(), 10U);
}

// A bounded budget may stop in the middle of a window; what it says in the end is the same.
TEST_F(ClassifierTest, InferenceInSlicesGivesTheSameVerdicts) {
  use({active(size_model(histogram_spec()))});
  std::vector<uint8_t> frame = UdpFrame{}.bytes();
  for (int i = 0; i < 10; ++i) {
    now_us_ += 1000;
    std::array<Packet, 1> packets{testing::packet_of(frame, now_us_)};
    classifier().process(packets, {});
  }
  int slices = 0;
  while (classifier().infer(0)) ASSERT_LT(++slices, 100);
  EXPECT_GT(slices, 0);
  ASSERT_EQ(events_.all.size(), 1U);
  EXPECT_EQ(events_.all[0].class_index, 0);
}

}  // namespace
}  // namespace flowmark
