// What policies make of flows: of new ones, of those that live when the policies change.
#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;
using testing::UdpFrame;

class PoliciesTest : public ClassifierFixture {
 protected:
  PoliciesTest() { model_ = active(size_model(histogram_spec())); }

  Dscp grow(const UdpFrame& frame) {
    std::vector<uint8_t> last;
    for (int i = 0; i < 6; ++i) last = send(frame);
    return dscp_of(last);
  }
  uint64_t bypassed(Bypass reason) const {
    return counters_->bypassed[static_cast<size_t>(reason)].get();
  }
  PolicyPlace policy() {
    FlowId id = 0;
    while (!classifier().flows().in_use(id)) ++id;
    return classifier().policy_of(id);
  }
  static FlowPolicy of_host(const char* prefix) {
    FlowPolicy policy;
    policy.hosts = {Prefix::parse(prefix)};
    return policy;
  }
  static FlowPolicy unasked() {
    FlowPolicy policy = of_host("10.0.0.1");
    policy.classify = false;
    return policy;
  }
  static FlowPolicy unmarked() {
    FlowPolicy policy = of_host("10.0.0.1");
    policy.mark = false;
    return policy;
  }
  static FlowPolicy fixed(MarkPair marks) {
    FlowPolicy policy = of_host("10.0.0.1");
    policy.class_name = "streaming";
    policy.class_marks = marks;
    return policy;
  }

  ActiveModel model_;
  const UdpFrame voice_{.ip_length = 200};
  const UdpFrame marked_voice_{.ip_length = 200, .tos = dscp::kAf21 << 2};
};

TEST_F(PoliciesTest, NoModelIsAskedAboutAnUnaskedFlow) {
  policies_ = {unasked()};
  use({model_});
  EXPECT_EQ(grow(marked_voice_), dscp::kAf21);
  EXPECT_TRUE(events_.all.empty());
  EXPECT_EQ(bypassed(Bypass::policy), 6U);
  EXPECT_EQ(policy(), 0);
  EXPECT_EQ(counters_->pool_used_bytes.get(), 0U);
}

TEST_F(PoliciesTest, OtherFlowsAreClassifiedAsEver) {
  policies_ = {unasked()};
  use({model_});
  EXPECT_EQ(grow({.source = 0x0a000002, .ip_length = 200}), dscp::kExpedited);
  EXPECT_EQ(policy(), kNoPolicy);
  EXPECT_EQ(bypassed(Bypass::policy), 0U);
}

TEST_F(PoliciesTest, WhatIsUnaskedIsWashed) {
  policies_ = {unasked()};
  marking_.wash = dscp::kDefault;
  use({model_});
  EXPECT_EQ(grow(marked_voice_), dscp::kDefault);
}

TEST_F(PoliciesTest, AnUnmarkedFlowHasItsVerdictAndStaysAsItCame) {
  policies_ = {unmarked()};
  marking_.wash = dscp::kDefault;
  use({model_});
  EXPECT_EQ(grow(marked_voice_), dscp::kAf21);
  ASSERT_EQ(events_.all.size(), 1U);
  EXPECT_EQ(events_.all[0].class_index, 0);
  EXPECT_EQ(events_.all[0].mark, kNoMark);
}

TEST_F(PoliciesTest, AFixedClassMarksFromTheFirstPacketInBothDirections) {
  policies_ = {fixed({dscp::kAf31, dscp::kAf11})};
  use({model_});
  EXPECT_EQ(dscp_of(send(voice_)), dscp::kAf31);
  EXPECT_EQ(dscp_of(send(voice_.reversed())), dscp::kAf11);
  EXPECT_EQ(grow(voice_), dscp::kAf31);
  EXPECT_TRUE(events_.all.empty());
}

TEST_F(PoliciesTest, AFixedClassNeedsNoModels) {
  policies_ = {fixed(dscp::kAf31)};
  use({});
  EXPECT_EQ(grow(voice_), dscp::kAf31);
  EXPECT_EQ(bypassed(Bypass::policy), 6U);
  EXPECT_EQ(grow({.source = 0x0a000002}), dscp::kDefault);
  EXPECT_EQ(bypassed(Bypass::no_model), 6U);
}

TEST_F(PoliciesTest, AFixedLiveMarkStillNeedsAdmission) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_flow = 1});
  policies_ = {fixed(dscp::kExpedited)};
  use({model_});
  for (int i = 0; i < 100; ++i) send(voice_);
  EXPECT_EQ(dscp_of(send(voice_)), dscp::kDefault);
}

TEST_F(PoliciesTest, AMapReplacesTheMarksOfTheClassesThatItHas) {
  model_ = active(size_model(histogram_spec(), 500, {"p2p", "large"}));
  FlowPolicy mapped = of_host("10.0.0.1");
  mapped.map = MarkProfile::wmm;
  policies_ = {mapped};
  use({model_});
  EXPECT_EQ(grow(voice_), 8) << "CS1";
  EXPECT_EQ(grow({.source_port = 7, .ip_length = 1000}), dscp::kAf11) << "has no such class";
  EXPECT_EQ(grow({.source = 0x0a000002, .ip_length = 200}), dscp::kExpedited);
  ASSERT_EQ(events_.all.size(), 3U);
  EXPECT_EQ(events_.all[0].mark, 8);
}

TEST_F(PoliciesTest, LivingFlowsFollowAnotherMapWithTheirVerdicts) {
  model_ = active(size_model(histogram_spec(), 500, {"p2p", "large"}));
  use({model_});
  EXPECT_EQ(grow(voice_), dscp::kExpedited);
  FlowPolicy mapped;
  mapped.map = MarkProfile::rfc4594;
  policies_ = {mapped};
  use({model_});
  EXPECT_EQ(dscp_of(send(voice_)), dscp::kLowerEffort);
  mapped.map = MarkProfile::cake_diffserv3;
  policies_ = {mapped};
  use({model_});
  EXPECT_EQ(dscp_of(send(voice_)), 8) << "CS1";
  policies_ = {};
  use({model_});
  EXPECT_EQ(dscp_of(send(voice_)), dscp::kExpedited);
}

TEST_F(PoliciesTest, ConfidenceReplacesTheModels) {
  FlowPolicy sure = of_host("10.0.0.1");
  sure.confidence = 0.95F;
  policies_ = {sure};
  use({model_});
  EXPECT_EQ(grow(voice_), dscp::kDefault) << "the model is sure by 0.9";
  EXPECT_EQ(grow({.source = 0x0a000002, .ip_length = 200}), dscp::kExpedited);
}

TEST_F(PoliciesTest, TheFirstThatFitsHolds) {
  policies_ = {of_host("10.0.0.0/8"), unasked()};
  use({model_});
  EXPECT_EQ(grow(voice_), dscp::kExpedited);
  EXPECT_EQ(policy(), 0);
}

TEST_F(PoliciesTest, TheVlanIsThatOfTheOutermostTag) {
  FlowPolicy policy;
  policy.vlans = {{100, 199}};
  policy.classify = false;
  policies_ = {policy};
  use({model_});
  const auto send_tagged = [this](uint8_t vlan) {
    std::vector<uint8_t> bytes = voice_.bytes();
    const std::array<uint8_t, 4> tag{0x81, 0, 0xa0, vlan};
    bytes.insert(bytes.begin() + 12, tag.begin(), tag.end());
    std::array<Packet, 1> packets{testing::packet_of(bytes, now_us_ += 10'000, 0)};
    classifier().process(packets, {});
  };
  send_tagged(99);
  EXPECT_EQ(bypassed(Bypass::policy), 0U);
  classifier().finish();
  send_tagged(100);
  EXPECT_EQ(bypassed(Bypass::policy), 1U);
}

TEST_F(PoliciesTest, InsideAndOutsideGoByTheFlowsDirection) {
  options_.inside = {Prefix::parse("10.0.0.0/8")};
  FlowPolicy policy;
  policy.inside = {Prefix::parse("10.0.0.1")};
  policy.inside_ports = {{40'000, 40'000}};
  policy.outside_ports = {{5004, 5004}};
  policy.openers = Direction::down;
  policy.classify = false;
  policies_ = {policy};
  use({model_});
  grow(voice_);
  EXPECT_EQ(bypassed(Bypass::policy), 0U) << "opened from the inside";
  classifier().finish();
  grow(voice_.reversed());
  EXPECT_EQ(bypassed(Bypass::policy), 6U);
}

// As many changes as there are, each with the flow's next packets.
TEST_F(PoliciesTest, AllChangesHoldForLivingFlows) {
  use({model_});
  EXPECT_EQ(grow(marked_voice_), dscp::kExpedited);
  policies_ = {unmarked()};
  use({model_});
  EXPECT_EQ(grow(marked_voice_), dscp::kAf21);
  policies_ = {fixed(dscp::kAf31)};
  use({model_});
  EXPECT_EQ(grow(marked_voice_), dscp::kAf31);
  EXPECT_TRUE(events_.all.back().final) << "its verdict ended";
  EXPECT_EQ(counters_->models[0].flows_now[0].get(), 0U);
  policies_ = {unasked()};
  use({model_});
  EXPECT_EQ(grow(marked_voice_), dscp::kAf21);
  policies_ = {};
  use({model_});
  EXPECT_EQ(grow(marked_voice_), dscp::kExpedited);
  policies_ = {of_host("10.0.0.9"), unasked()};
  use({active(size_model(picture_spec()))});
  EXPECT_EQ(grow(marked_voice_), dscp::kAf21);
  EXPECT_EQ(policy(), 1);
  classifier().finish();
  EXPECT_EQ(counters_->pool_used_bytes.get(), 0U);
}

TEST_F(PoliciesTest, TheOpenerIsKnownWhenPoliciesChange) {
  options_.inside = {Prefix::parse("10.0.0.0/8")};
  FlowPolicy inbound;
  inbound.openers = Direction::down;
  use({model_});
  send(voice_.reversed());
  grow(voice_);
  for (const bool asks : {true, false, false, true}) {
    inbound.classify = asks;
    policies_ = {inbound};
    use({model_});
    grow(voice_);
    EXPECT_EQ(policy(), 0);
  }
}

// Between the first packet, which is kept in the entry, and the second one.
TEST_F(PoliciesTest, AChangeAfterTheFirstPacketHolds) {
  policies_ = {unasked()};
  use({model_});
  send(voice_);
  policies_ = {};
  use({model_});
  EXPECT_EQ(grow(voice_), dscp::kExpedited);
  EXPECT_EQ(events_.all[0].packets, 4U) << "of those after the change";
}

TEST_F(PoliciesTest, UnmarkedHostsAreSparedWhereTheTableHasNoRoom) {
  options_.table.capacity = 64;
  options_.table.timeouts.young_ms = 3'600'000;
  marking_.wash = dscp::kDefault;
  policies_ = {unmarked()};
  use({});
  for (uint16_t port = 1; port < 400; ++port) {
    for (int i = 0; i < 9; ++i) {
      EXPECT_EQ(dscp_of(send({.source_port = port, .tos = dscp::kAf21 << 2}, 10)), dscp::kAf21);
    }
  }
  EXPECT_GT(bypassed(Bypass::table_full), 0U);
}

}  // namespace
}  // namespace flowmark
