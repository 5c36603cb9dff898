// Who began a TCP flow is told by SYN and SYN-ACK, not by who is seen first.
#include "net/protocol.h"
#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::size_model;
using testing::UdpFrame;

class WhoBeganTest : public ClassifierFixture {
 protected:
  /// The frame as TCP with these flags; six more of the same flow follow, so that it has a state.
  void begin(const UdpFrame& frame, uint8_t tcp_flags) {
    send_tcp(frame, tcp_flags);
    for (int i = 0; i < 3; ++i) {
      send_tcp(frame.reversed(), kTcpAck);
      send_tcp(frame, kTcpAck);
    }
  }

  void send_tcp(const UdpFrame& frame, uint8_t tcp_flags) {
    std::vector<uint8_t> bytes = frame.bytes();
    bytes[14 + 9] = kProtoTcp;
    bytes[14 + 20 + 12] = 0x50;
    bytes[14 + 20 + 13] = tcp_flags;
    now_us_ += 10'000;
    std::array<Packet, 1> packets{testing::packet_of(bytes, now_us_)};
    classifier().process(packets, {});
    classifier().infer(UINT64_MAX);
  }

  uint64_t unasked() const {
    return counters_->bypassed[static_cast<size_t>(Bypass::policy)].get();
  }

  const UdpFrame frame_;  ///< from 10.0.0.1, which is endpoint a
};

TEST_F(WhoBeganTest, TheSenderOfTheFirstPacket) {
  use({active(size_model(histogram_spec()))});
  begin(frame_, kTcpSyn);
  ASSERT_FALSE(events_.all.empty());
  EXPECT_TRUE(events_.all[0].up_is_a);
}

TEST_F(WhoBeganTest, TheOtherEndOfASynAck) {
  use({active(size_model(histogram_spec()))});
  begin(frame_, kTcpSyn | kTcpAck);
  ASSERT_FALSE(events_.all.empty());
  EXPECT_FALSE(events_.all[0].up_is_a);
}

TEST_F(WhoBeganTest, PoliciesGoByItToo) {
  FlowPolicy inbound;
  inbound.openers = Direction::down;
  inbound.classify = false;
  policies_ = {inbound};
  options_.inside = {Prefix::parse("10.0.0.0/8")};
  for (const bool at_once : {false, true}) {
    options_.windows_at_once = at_once;
    classifier_.reset();
    use({active(size_model(histogram_spec()))});
    const uint64_t before = unasked();
    begin(frame_, kTcpSyn);
    EXPECT_EQ(unasked(), before) << "the inside began";
    classifier().finish();
    begin(frame_, kTcpSyn | kTcpAck);
    EXPECT_GT(unasked(), before) << "the inside answered: the outside began";
  }
}

TEST_F(WhoBeganTest, WithoutAnInsideEveryFlowIsOutbound) {
  FlowPolicy outbound;
  outbound.openers = Direction::up;
  outbound.classify = false;
  policies_ = {outbound};
  use({active(size_model(histogram_spec()))});
  begin(frame_, kTcpSyn | kTcpAck);
  EXPECT_GT(unasked(), 0U);
}

}  // namespace
}  // namespace flowmark
