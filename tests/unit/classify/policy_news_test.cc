// What the stream is told of marks that policies fix.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/classify/classifier_fixture.h"
#include "unit/classify/kept_news.h"

namespace flowmark {
namespace {

using testing::active;
using ::testing::ElementsAre;
using testing::histogram_spec;
using testing::size_model;
using testing::UdpFrame;
using Kind = FlowEvent::Kind;

/// Packets of 200 bytes are "small" and get EF; all others get AF11.
class PolicyNewsTest : public ClassifierFixture {
 protected:
  void use_with(std::vector<FlowPolicy> policies) {
    if (!classifier_) {
      classifier_ = std::make_unique<Classifier>(options_, *counters_, &events_, &news_);
    }
    policies_ = std::move(policies);
    use({model_});
  }
  void send_some(const UdpFrame& frame, int count = 8) {
    for (int i = 0; i < count; ++i) send(frame);
  }
  static FlowPolicy fixed(MarkPair marks) {
    FlowPolicy policy;
    policy.class_name = "streaming";
    policy.class_marks = marks;
    return policy;
  }
  static FlowPolicy unmarked() {
    FlowPolicy policy;
    policy.mark = false;
    return policy;
  }
  static FlowPolicy unasked() {
    FlowPolicy policy;
    policy.classify = false;
    return policy;
  }

  ActiveModel model_ = active(size_model(histogram_spec()));
  KeptNews news_;
  const UdpFrame large_{.ip_length = 1000};
};

TEST_F(PolicyNewsTest, AFixedMarkIsToldWithTheFlowsFirstPacketAndEnds) {
  use_with({fixed({dscp::kAf31, dscp::kAf21})});
  send_some(large_);
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed));
  const FlowEvent& event = news_.all[0];
  EXPECT_EQ(event.mark, dscp::kAf31);
  EXPECT_EQ(event.mark_to_lan, dscp::kAf21);
  EXPECT_EQ(event.class_index, kNoClass);
  EXPECT_EQ(event.live, LiveState::none);
  EXPECT_TRUE(event.knows_verdict);
  EXPECT_FALSE(event.knows_numbers);
  EXPECT_EQ(event.time_us, now_us_ - 70'000) << "of the first of 8 packets";
  classifier().finish();
  EXPECT_THAT(news_.kinds(), ElementsAre(Kind::changed, Kind::ended));
  EXPECT_EQ(news_.all[1].mark, dscp::kAf31);
}

TEST_F(PolicyNewsTest, AFixedLiveMarkIsToldWhenItIsAdmitted) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_flow = 100'000});
  use_with({fixed(dscp::kExpedited)});
  send_some({.ip_length = 200}, 60);
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed, Kind::changed));
  EXPECT_EQ(news_.all[0].live, LiveState::measuring);
  EXPECT_EQ(news_.all[0].mark, kNoMark);
  EXPECT_EQ(news_.all[1].live, LiveState::admitted);
  EXPECT_EQ(news_.all[1].mark, dscp::kExpedited);
}

TEST_F(PolicyNewsTest, WhoBeganAndTheVlanAreToldWithoutAState) {
  options_.direction = DirectionRule::lan_port;
  use_with({fixed(dscp::kAf31)});
  std::vector<uint8_t> frame = large_.bytes();
  const std::array<uint8_t, 4> tag{0x81, 0x00, 0x60, 0x2a};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  std::array<Packet, 1> packets{testing::packet_of(frame, now_us_, 1)};
  classifier().process(packets, {});
  ASSERT_EQ(news_.all.size(), 1U);
  EXPECT_EQ(news_.all[0].vlan, 42);
  EXPECT_TRUE(news_.all[0].began_down);
}

TEST_F(PolicyNewsTest, WhatLeavesAsItCameIsNotTold) {
  use_with({unmarked()});
  for (uint16_t port = 1; port < 20; ++port) send({.source_port = port});
  use_with({unasked()});
  for (uint16_t port = 21; port < 40; ++port) send_some({.source_port = port}, 3);
  classifier().finish();
  EXPECT_TRUE(news_.all.empty());
}

TEST_F(PolicyNewsTest, ChangesOfPoliciesAreToldOnceEach) {
  use_with({});
  send_some(large_);
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed));
  EXPECT_EQ(news_.all.back().mark, dscp::kAf11);

  use_with({unmarked()});
  send_some(large_, 2);
  ASSERT_EQ(news_.all.size(), 2U);
  EXPECT_EQ(news_.all.back().mark, kNoMark);
  EXPECT_EQ(news_.all.back().class_index, 1) << "its class stands";
  EXPECT_TRUE(news_.all.back().knows_numbers);

  use_with({fixed(dscp::kAf31)});
  send_some(large_, 2);
  ASSERT_EQ(news_.all.size(), 3U);
  EXPECT_EQ(news_.all.back().mark, dscp::kAf31);
  EXPECT_EQ(news_.all.back().class_index, kNoClass);

  use_with({unasked()});
  send_some(large_, 2);
  ASSERT_EQ(news_.all.size(), 4U);
  EXPECT_EQ(news_.all.back().mark, kNoMark);

  use_with({});
  send_some(large_);
  ASSERT_EQ(news_.all.size(), 5U);
  EXPECT_EQ(news_.all.back().mark, dscp::kAf11);
  EXPECT_EQ(news_.all.back().class_index, 1);
}

TEST_F(PolicyNewsTest, AVerdictThatEndsIsToldWithoutAMarkToo) {
  model_.marks = false;
  use_with({});
  send_some(large_);
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed));
  use_with({unasked()});
  send_some(large_, 2);
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed, Kind::changed));
  EXPECT_EQ(news_.all[1].class_index, kNoClass);
  EXPECT_TRUE(news_.all[1].knows_verdict);
}

}  // namespace
}  // namespace flowmark
