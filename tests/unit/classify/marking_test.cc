// What is written into packets beyond a class's one mark: by direction, washed, trusted, and after
// the maps changed.
#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::size_model;
using testing::UdpFrame;

class MarkingTest : public ClassifierFixture {
 protected:
  MarkingTest() { model_ = active(size_model(histogram_spec())); }

  /// So many packets that the flow has its verdict; the last one as it left.
  Dscp grow(const UdpFrame& frame) {
    std::vector<uint8_t> last;
    for (int i = 0; i < 6; ++i) last = send(frame);
    return dscp_of(last);
  }
  uint64_t skipped(MarkSkip reason) const {
    return counters_->mark_skipped[static_cast<size_t>(reason)].get();
  }

  ActiveModel model_;
  const UdpFrame voice_{.ip_length = 200};
};

TEST_F(MarkingTest, EachDirectionHasItsOwnMark) {
  model_.class_dscp[0] = {dscp::kExpedited, dscp::kAf41};
  use({model_});
  EXPECT_EQ(grow(voice_), dscp::kExpedited);
  EXPECT_EQ(dscp_of(send(voice_.reversed())), dscp::kAf41);
  EXPECT_EQ(events_.all[0].mark, dscp::kExpedited);
  EXPECT_EQ(events_.all[0].mark_to_lan, dscp::kAf41);
}

TEST_F(MarkingTest, OneDirectionMayBeKept) {
  model_.class_dscp[0] = {std::nullopt, dscp::kAf41};
  use({model_});
  EXPECT_EQ(grow({.ip_length = 200, .tos = 8 << 2}), 8);
  EXPECT_EQ(dscp_of(send(voice_.reversed())), dscp::kAf41);
}

// Else the record of the admission would begin anew with each change of direction.
TEST_F(MarkingTest, AFlowIsAdmittedOnceForBothDirections) {
  options_.live_budget = std::make_shared<LiveBudget>(
      LiveLimits{.expedited_flow = 1'000'000, .conference_flow = 1'000'000});
  model_.class_dscp[0] = {dscp::kExpedited, dscp::kAf41};
  use({model_});
  std::vector<uint8_t> up, down;
  for (int i = 0; i < 100; ++i) {
    up = send(voice_);
    down = send(voice_.reversed());
  }
  EXPECT_EQ(dscp_of(up), dscp::kExpedited);
  EXPECT_EQ(dscp_of(down), dscp::kAf41);
  EXPECT_EQ(counters_->admitted_flows.get(), 1U);
}

TEST_F(MarkingTest, WashSetsWhatHasNoVerdict) {
  marking_.wash = dscp::kDefault;
  use({model_});
  const UdpFrame forged{.ip_length = 200, .tos = dscp::kExpedited << 2};
  EXPECT_EQ(dscp_of(send(forged)), dscp::kDefault);
  EXPECT_EQ(grow(forged), dscp::kExpedited) << "it has earned it";
}

TEST_F(MarkingTest, WashSparesAClassThatKeepsItsMarks) {
  marking_.wash = dscp::kDefault;
  model_.class_dscp[0] = MarkPair{};
  use({model_});
  const UdpFrame frame{.ip_length = 200, .tos = dscp::kAf21 << 2};
  EXPECT_EQ(dscp_of(send(frame)), dscp::kDefault);
  EXPECT_EQ(grow(frame), dscp::kAf21);
}

TEST_F(MarkingTest, WashNeedsNoModels) {
  marking_.wash = dscp::kLowerEffort;
  use({});
  EXPECT_EQ(grow({.tos = dscp::kExpedited << 2}), dscp::kLowerEffort);
}

TEST_F(MarkingTest, WashReachesPacketsThatTheTableHasNoRoomFor) {
  options_.table.capacity = 64;
  options_.table.timeouts.young_ms = 3'600'000;
  marking_.wash = dscp::kDefault;
  use({});
  for (uint16_t port = 1; port < 400; ++port) {
    for (int i = 0; i < 9; ++i) {
      EXPECT_EQ(dscp_of(send({.source_port = port, .tos = dscp::kExpedited << 2}, 10)), 0);
    }
  }
  EXPECT_GT(counters_->bypassed[static_cast<size_t>(Bypass::table_full)].get(), 0U);
}

TEST_F(MarkingTest, ReportModeWashesNothing) {
  marking_.wash = dscp::kDefault;
  marking_.mode = MarkMode::report;
  use({model_});
  EXPECT_EQ(grow({.ip_length = 200, .tos = dscp::kAf21 << 2}), dscp::kAf21);
}

TEST_F(MarkingTest, MarksOfTrustedSendersStay) {
  const UdpFrame marked{.ip_length = 200, .tos = dscp::kAf21 << 2};
  marking_.wash = dscp::kDefault;
  marking_.trusted = {Prefix::parse("10.0.0.1")};
  use({model_});
  EXPECT_EQ(dscp_of(send(marked)), dscp::kAf21) << "not washed";
  EXPECT_EQ(grow(marked), dscp::kAf21) << "not replaced";
  EXPECT_GT(skipped(MarkSkip::trusted), 0U);
  EXPECT_EQ(dscp_of(send(voice_)), dscp::kExpedited) << "what came without a mark gets one";
  EXPECT_EQ(dscp_of(send(marked.reversed())), dscp::kExpedited) << "nobody trusts the other end";
}

TEST_F(MarkingTest, OtherMapsHoldForFlowsThatHaveTheirVerdict) {
  use({model_});
  grow(voice_);
  events_.all.clear();
  model_.class_dscp[0] = {dscp::kAf31, dscp::kAf11};
  use({model_});
  EXPECT_EQ(dscp_of(send(voice_)), dscp::kAf31);
  EXPECT_EQ(dscp_of(send(voice_.reversed())), dscp::kAf11);
  ASSERT_EQ(events_.all.size(), 1U) << "told, with the same verdict";
  EXPECT_EQ(events_.all[0].class_index, 0);
  EXPECT_EQ(events_.all[0].mark, dscp::kAf31);
  EXPECT_EQ(counters_->models[0].flows_now[0].get(), 1U);
  EXPECT_EQ(counters_->models[0].verdicts[0].get(), 1U) << "it was given once";
}

TEST_F(MarkingTest, ModeTrustAndWashChangeLive) {
  use({model_});
  EXPECT_EQ(grow(voice_), dscp::kExpedited);
  marking_.mode = MarkMode::report;
  use({model_});
  EXPECT_EQ(dscp_of(send(voice_)), dscp::kDefault);
  marking_.mode = MarkMode::always;
  marking_.trusted = {Prefix::parse("10.0.0.1")};
  use({model_});
  const UdpFrame marked{.ip_length = 200, .tos = dscp::kAf21 << 2};
  EXPECT_EQ(dscp_of(send(marked)), dscp::kAf21);
  marking_.trusted.clear();
  use({model_});
  EXPECT_EQ(dscp_of(send(marked)), dscp::kExpedited);
}

TEST_F(MarkingTest, AWindowThatWaitedIsAskedUnderTheNewMaps) {
  use({model_});
  for (int i = 0; i < 4; ++i) {
    std::vector<uint8_t> bytes = voice_.bytes();
    now_us_ += 10'000;
    std::array<Packet, 1> packets{testing::packet_of(bytes, now_us_, 0)};
    classifier().process(packets, {});
  }
  use({model_});
  send(voice_);
  EXPECT_EQ(events_.all.size(), 1U);
}

}  // namespace
}  // namespace flowmark
