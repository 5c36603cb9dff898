// Which packets came with which DSCP, and which they got.
#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::size_model;

class DscpChangesTest : public ClassifierFixture {
 protected:
  uint64_t changes(size_t port, uint8_t received, uint8_t sent) const {
    return counters_->ports[port].dscp_change(received, sent).get();
  }
  uint64_t all(size_t port) const {
    uint64_t sum = 0;
    for (const Counter& cell : counters_->ports[port].dscp_changes) sum += cell.get();
    return sum;
  }
  static constexpr uint8_t tos(Dscp dscp) { return static_cast<uint8_t>(dscp << 2); }
};

TEST_F(DscpChangesTest, WithoutAVerdictPacketsKeepWhatTheyCameWith) {
  for (int i = 0; i < 3; ++i) send({});
  send({.tos = tos(dscp::kAf41)}, 10'000, 1);
  EXPECT_EQ(changes(0, 0, 0), 3U);
  EXPECT_EQ(changes(1, dscp::kAf41, dscp::kAf41), 1U);
  EXPECT_EQ(all(0) + all(1), 4U);
}

TEST_F(DscpChangesTest, AMarkedFlowsPacketsCountWithTheirNewMark) {
  use({active(size_model(histogram_spec()))});
  const testing::UdpFrame plain{.ip_length = 1000};
  for (int i = 0; i < 10; ++i) send(plain);  // from the fifth on with AF11
  testing::UdpFrame same = plain, other = plain;
  same.tos = tos(dscp::kAf11);
  other.tos = tos(dscp::kAf41);
  send(same);
  send(other);
  send(other.reversed(), 10'000, 1);
  EXPECT_EQ(changes(0, 0, 0), 4U);
  EXPECT_EQ(changes(0, 0, dscp::kAf11), 6U);
  EXPECT_EQ(changes(0, dscp::kAf11, dscp::kAf11), 1U);
  EXPECT_EQ(changes(0, dscp::kAf41, dscp::kAf11), 1U);
  EXPECT_EQ(changes(1, dscp::kAf41, dscp::kAf11), 1U);
  EXPECT_EQ(all(0), 12U);
}

TEST_F(DscpChangesTest, AMarkThatIsTakenAwayCounts) {
  auto model = active(size_model(histogram_spec()));
  model.class_dscp[1] = dscp::kDefault;
  use({model});
  for (int i = 0; i < 10; ++i) send({.ip_length = 1000, .tos = tos(dscp::kAf41)});
  EXPECT_EQ(changes(0, dscp::kAf41, dscp::kAf41), 4U);
  EXPECT_EQ(changes(0, dscp::kAf41, 0), 6U);
  EXPECT_EQ(changes(0, 0, 0), 0U);
}

TEST_F(DscpChangesTest, WashedPacketsCountAsWashed) {
  marking_.wash = dscp::kDefault;
  use({active(size_model(histogram_spec()))});
  send({.tos = tos(dscp::kAf41)});
  EXPECT_EQ(changes(0, dscp::kAf41, 0), 1U);
  EXPECT_EQ(all(0), 1U);
}

TEST_F(DscpChangesTest, WithoutRoomForTheFlowPacketsCountToo) {
  options_.table.capacity = 64;
  options_.table.timeouts.young_ms = 3'600'000;
  uint64_t sent = 0;
  for (uint16_t port = 1; port < 400; ++port) {
    for (int i = 0; i < 9; ++i, ++sent) send({.source_port = port, .tos = tos(dscp::kAf41)}, 10);
  }
  ASSERT_GT(counters_->bypassed[static_cast<size_t>(Bypass::table_full)].get(), 0U);
  EXPECT_EQ(changes(0, dscp::kAf41, dscp::kAf41), sent);
  EXPECT_EQ(all(0), sent);
}

TEST_F(DscpChangesTest, AnotherPriorityAloneIsNoOtherDscp) {
  marking_.pcp = true;
  marking_.wash = dscp::kAf11;
  use({});
  std::vector<uint8_t> frame = testing::UdpFrame{.tos = tos(dscp::kAf11)}.bytes();
  const std::array<uint8_t, 4> tag{0x81, 0x00, 0xa0, 0x05};  // priority 5
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  std::array<Packet, 1> packets{testing::packet_of(frame, now_us_, 0)};
  std::array<bool, 1> marked{};
  classifier().process(packets, marked);
  EXPECT_TRUE(marked[0]);
  EXPECT_EQ(frame[14] >> 5, 0);
  EXPECT_EQ(changes(0, dscp::kAf11, dscp::kAf11), 1U);
  EXPECT_EQ(all(0), 1U);
}

TEST_F(DscpChangesTest, WhatIsNoIpDoesNotCount) {
  std::vector<uint8_t> frame(60, 0);
  std::array<Packet, 1> packets{testing::packet_of(frame, now_us_, 0)};
  classifier().process(packets, {});
  EXPECT_EQ(all(0), 0U);
}

}  // namespace
}  // namespace flowmark
