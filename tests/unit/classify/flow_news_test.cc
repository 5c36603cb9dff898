#include "classify/flow_news.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "unit/classify/classifier_fixture.h"
#include "unit/classify/kept_news.h"

namespace flowmark {
namespace {

using testing::active;
using ::testing::ElementsAre;
using testing::histogram_spec;
using testing::size_model;
using Kind = FlowEvent::Kind;

/// Packets of 200 bytes are "small" and get EF; all others get AF11.
class FlowNewsTest : public ClassifierFixture {
 protected:
  /// The fixture's classifier, with somebody to tell.
  void tell() {
    classifier_ = std::make_unique<Classifier>(options_, *counters_, &events_, &news_);
    use({active(size_model(histogram_spec()))});
  }
  void send_back(const testing::UdpFrame& frame, int count) {
    for (int i = 0; i < count; ++i) send(frame.reversed(), 10'000, 1);
  }

  KeptNews news_;
};

TEST_F(FlowNewsTest, AVerdictIsToldOnceWithTheFlowsNumbersByDirection) {
  options_.direction = DirectionRule::lan_port;
  tell();
  const testing::UdpFrame large{.ip_length = 1000};
  send(large);
  send_back(large, 2);
  for (int i = 0; i < 20; ++i) send(large);
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed));
  const FlowEvent& event = news_.all[0];
  EXPECT_EQ(event.class_index, 1);
  EXPECT_EQ(event.mark, dscp::kAf11);
  EXPECT_EQ(event.live, LiveState::none);
  EXPECT_THAT(event.packets, ElementsAre(2U, 2U));
  EXPECT_THAT(event.bytes, ElementsAre(2000U, 2000U));
  EXPECT_EQ(event.time_us - event.start_us, 30'000);
  EXPECT_EQ(event.last_us, event.time_us);
  EXPECT_EQ(event.generation, 1U);
  EXPECT_FALSE(event.began_down);
  EXPECT_EQ(event.vlan, FlowEvent::kNoVlan);
}

TEST_F(FlowNewsTest, AFlowThatBeganDownstreamSaysSo) {
  options_.direction = DirectionRule::lan_port;
  tell();
  send_back({.ip_length = 1000}, 8);
  ASSERT_FALSE(news_.all.empty());
  EXPECT_TRUE(news_.all[0].began_down);
}

TEST_F(FlowNewsTest, FlowsWithoutAClassOrMarkAreNotTold) {
  tell();
  for (int i = 0; i < 3; ++i) send({});
  classifier().finish();
  EXPECT_TRUE(news_.all.empty());
}

TEST_F(FlowNewsTest, ALiveMarkIsToldWhenItIsAdmitted) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_flow = 100'000});
  tell();
  for (int i = 0; i < 60; ++i) send({.ip_length = 200});
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed, Kind::changed));
  EXPECT_EQ(news_.all[0].live, LiveState::measuring);
  EXPECT_EQ(news_.all[0].mark, kNoMark);
  EXPECT_EQ(news_.all[1].live, LiveState::admitted);
  EXPECT_EQ(news_.all[1].mark, dscp::kExpedited);
  EXPECT_GE(news_.all[1].time_us - news_.all[1].start_us, Admission::kMeasureUs);
}

TEST_F(FlowNewsTest, ARefusedFlowIsToldWithTheFallback) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_flow = 1'000});
  marking_.fallback = dscp::kAf21;
  tell();
  for (int i = 0; i < 60; ++i) send({.ip_length = 200});
  ASSERT_GE(news_.all.size(), 2U);
  EXPECT_EQ(news_.all[1].live, LiveState::refused);
  EXPECT_EQ(news_.all[1].mark, dscp::kAf21);
  EXPECT_EQ(news_.all[1].class_index, 0);
}

TEST_F(FlowNewsTest, InReportModeNobodyAsksAndTheMarkIsTheVerdicts) {
  options_.live_budget = std::make_shared<LiveBudget>(LiveLimits{.expedited_flow = 1'000});
  marking_.mode = MarkMode::report;
  tell();
  for (int i = 0; i < 60; ++i) send({.ip_length = 200});
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed));
  EXPECT_EQ(news_.all[0].mark, dscp::kExpedited);
}

TEST_F(FlowNewsTest, AnotherMapOfMarksIsToldByDirection) {
  tell();
  for (int i = 0; i < 8; ++i) send({.ip_length = 1000});
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed));
  ActiveModel other = active(size_model(histogram_spec()));
  other.class_dscp[1] = {dscp::kAf11, dscp::kAf41};
  use({other});
  send({.ip_length = 1000});
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed, Kind::changed));
  EXPECT_EQ(news_.all[1].mark, dscp::kAf11);
  EXPECT_EQ(news_.all[1].mark_to_lan, kNoMark) << "a live mark is measured first";
  EXPECT_EQ(news_.all[1].live, LiveState::measuring);
}

TEST_F(FlowNewsTest, WithoutModelsAFlowKeepsItsMark) {
  tell();
  for (int i = 0; i < 8; ++i) send({.ip_length = 1000});
  use({});
  EXPECT_EQ(dscp_of(send({.ip_length = 1000})), dscp::kAf11);
  classifier().finish();
  ASSERT_EQ(news_.all.back().kind, Kind::ended);
  EXPECT_EQ(news_.all.back().mark, dscp::kAf11);
}

TEST_F(FlowNewsTest, AnEndSaysWhyAndHowMuchThereWas) {
  options_.table.timeouts.idle_ms = 1000;
  tell();
  for (int i = 0; i < 30; ++i) send({.ip_length = 1000});
  now_us_ += 2 * kUsPerSecond;
  classifier().expire(now_us_, 4096);
  for (int i = 0; i < 8; ++i) send({.source_port = 7, .ip_length = 1000});
  classifier().finish();
  ASSERT_THAT(news_.kinds(), ElementsAre(Kind::changed, Kind::ended, Kind::changed, Kind::ended));
  EXPECT_EQ(news_.all[1].end, FlowEnd::idle);
  EXPECT_THAT(news_.all[1].packets, ElementsAre(30U, 0U));
  EXPECT_THAT(news_.all[1].bytes, ElementsAre(30'000U, 0U));
  EXPECT_EQ(news_.all[1].class_index, 1);
  EXPECT_EQ(news_.all[1].time_us, now_us_ - 80'000);
  EXPECT_EQ(news_.all[3].end, FlowEnd::stopped);
}

// Its state is gone, its mark is not, and its end still comes.
TEST_F(FlowNewsTest, AFlowThatGivesUpItsMemoryLosesItsClassAndKeepsItsMark) {
  options_.window_memory_bytes = 64 * 1024;
  tell();
  for (int i = 0; i < 8; ++i) {
    for (uint16_t port = 1; port <= 100; ++port) send({.source_port = port, .ip_length = 1000});
  }
  const size_t before = news_.all.size();
  now_us_ += 2 * kUsPerSecond;
  for (uint16_t port = 1001; port <= 1004; ++port) {
    for (int i = 0; i < 3; ++i) send({.source_port = port, .ip_length = 1000});
  }
  ASSERT_GT(counters_->windows_given_up.get(), 0U);
  ASSERT_GT(news_.all.size(), before);
  const FlowEvent given_up = news_.all[before];
  EXPECT_EQ(given_up.kind, Kind::changed);
  EXPECT_EQ(given_up.class_index, kNoClass);
  EXPECT_EQ(given_up.mark, dscp::kAf11);
  EXPECT_TRUE(given_up.knows_verdict);
  classifier().finish();
  const auto end = std::ranges::find_if(news_.all, [&](const FlowEvent& event) {
    return event.kind == Kind::ended && event.key == given_up.key;
  });
  ASSERT_NE(end, news_.all.end());
  EXPECT_FALSE(end->knows_numbers);
  EXPECT_FALSE(end->knows_verdict);
  EXPECT_EQ(end->mark, dscp::kAf11);
}

TEST_F(FlowNewsTest, EachToldFlowIsRefreshedOnceARoundOfTheTable) {
  tell();
  for (int i = 0; i < 8; ++i) send({.ip_length = 1000});
  const uint32_t places = classifier().flows().id_end();
  constexpr auto kWalks = static_cast<uint32_t>(FlowNews::kRefreshUs / kUsPerSecond);
  for (uint32_t i = 0; i < kWalks; ++i) classifier().expire(now_us_, places);
  EXPECT_THAT(news_.kinds(), ElementsAre(Kind::changed, Kind::refreshed));
  news_.has_room = false;
  for (uint32_t i = 0; i < kWalks; ++i) classifier().expire(now_us_, places);
  EXPECT_EQ(news_.all.size(), 2U) << "a ring that fills up is left to what cannot wait";
}

TEST_F(FlowNewsTest, TheVlanIsThatOfTheOutermostTag) {
  tell();
  for (int i = 0; i < 8; ++i) {
    std::vector<uint8_t> frame = testing::UdpFrame{.ip_length = 1000}.bytes();
    const std::array<uint8_t, 4> tag{0x81, 0x00, 0x60, 0x2a};
    frame.insert(frame.begin() + 12, tag.begin(), tag.end());
    now_us_ += 10'000;
    std::array<Packet, 1> packets{testing::packet_of(frame, now_us_, 0)};
    classifier().process(packets, {});
    classifier().infer(UINT64_MAX);
  }
  ASSERT_FALSE(news_.all.empty());
  EXPECT_EQ(news_.all[0].vlan, 42);
}

}  // namespace
}  // namespace flowmark
