// Caps of policies on flows with EF: of new flows, and of those that live when the caps change.
#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::size_model;
using testing::UdpFrame;

/// Calls of 200 bytes and 20 ms, 13 kB/s each with their reserve, in bursts of one packet of each.
class PolicyCapsTest : public ClassifierFixture {
 protected:
  static constexpr uint16_t kCalls = 8;
  static constexpr uint32_t kHost = 0x0a000001, kOther = 0x0a000002;

  PolicyCapsTest() {
    options_.live_budget = std::make_shared<LiveBudget>(
        LiveLimits{.expedited_flow = 250'000, .expedited_host = 60'000});
  }

  /// Calls of a host for so long; how many have EF then.
  int calls_of(uint32_t host, TimeUs duration_us = kUsPerSecond) {
    int expedited = 0;
    for (const TimeUs end_us = now_us_ + duration_us; now_us_ < end_us;) {
      now_us_ += 20'000;
      expedited = burst_of(host);
    }
    return expedited;
  }
  int burst_of(uint32_t host) {
    std::array<std::vector<uint8_t>, kCalls> frames;
    std::array<Packet, kCalls> packets;
    for (uint16_t i = 0; i < kCalls; ++i) {
      frames[i] = UdpFrame{.source = host, .source_port = uint16_t(1000 + i)}.bytes();
      packets[i] = testing::packet_of(frames[i], now_us_);
    }
    classifier().process(packets, {});
    classifier().infer(UINT64_MAX);
    return static_cast<int>(std::ranges::count(frames, dscp::kExpedited, dscp_of));
  }

  void use_with(std::vector<FlowPolicy> policies) {
    policies_ = std::move(policies);
    use({model_});
  }
  static FlowPolicy capped(LiveCaps caps) {
    FlowPolicy policy;
    policy.hosts = {Prefix::parse("10.0.0.1")};
    policy.caps = caps;
    return policy;
  }

  ActiveModel model_ = active(size_model(histogram_spec()));
};

TEST_F(PolicyCapsTest, AHostsCapHoldsForTheHostsOfThePolicy) {
  use_with({capped({.host = 30'000})});
  EXPECT_EQ(calls_of(kHost), 2);
  EXPECT_EQ(calls_of(kOther), 4) << "the limit of all hosts";
}

TEST_F(PolicyCapsTest, AFixedClassHasItToo) {
  FlowPolicy policy = capped({.host = 30'000});
  policy.class_name = "voip";
  policy.class_marks = dscp::kExpedited;
  use_with({policy});
  EXPECT_EQ(calls_of(kHost), 2);
}

TEST_F(PolicyCapsTest, AShareIsThatOfAllFlowsOfOnePolicy) {
  FlowPolicy both = capped({.host = 0, .total = 30'000});
  both.hosts = {Prefix::parse("10.0.0.0/8")};
  use_with({capped({.host = 0, .total = 40'000}), both});
  EXPECT_EQ(calls_of(kHost), 3);
  EXPECT_EQ(calls_of(kOther), 2);
  EXPECT_EQ(calls_of(kOther + 1), 0);
  EXPECT_GT(options_.live_budget->group_reserved(1), 0U);
  EXPECT_GT(options_.live_budget->group_reserved(2), 0U);
}

TEST_F(PolicyCapsTest, LivingFlowsFollowOtherCaps) {
  use_with({});
  EXPECT_EQ(calls_of(kHost), 4);
  use_with({capped({.host = 30'000})});
  EXPECT_EQ(calls_of(kHost), 2);
  use_with({capped({.total = 15'000})});
  EXPECT_EQ(calls_of(kHost), 1);
  use_with({});
  EXPECT_EQ(calls_of(kHost, 30 * kUsPerSecond), 4) << "the refused ones were asked again";
}

// The flows wait for their turn to be moved, two a burst. Meanwhile they are under no lower limit.
TEST_F(PolicyCapsTest, AReloadTakesNoMarkFromFlowsThatWaitToBeMoved) {
  use_with({capped({.host = 1'000'000})});
  EXPECT_EQ(calls_of(kHost), kCalls);
  for (int reload = 0; reload < 3; ++reload) {
    use_with({capped({.host = 1'000'000 + 1})});
    for (int i = 0; i < kCalls; ++i) {
      now_us_ += 20'000;
      ASSERT_EQ(burst_of(kHost), kCalls) << "burst " << i;
    }
  }
}

}  // namespace
}  // namespace flowmark
