#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/sequence_file.h"
#include "unit/capture/capture_builder.h"

namespace flowmark::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Frame {
  Bytes source, destination;  // IPv4 addresses
  uint16_t source_port = 0, destination_port = 0;
  uint8_t protocol = 17;
  uint16_t size = 100;  // IP total length
  uint16_t id = 0, fragment = 0;
  uint8_t tcp_flags = 0x18;
};

Bytes ethernet(const Frame& f) {
  CaptureBuilder b(true);
  b.append(Bytes(12));
  b.u16(0x0800);
  b.u16(0x4500);
  b.u16(f.size);
  b.u16(f.id);
  b.u16(f.fragment);
  b.u8(64);
  b.u8(f.protocol);
  b.u16(0);
  b.append(f.source);
  b.append(f.destination);
  b.u16(f.source_port);
  b.u16(f.destination_port);
  b.u32(f.protocol == 17 ? (f.size - 20u) << 16 : 1);
  b.u32(0);
  b.u8(0x50);
  b.u8(f.tcp_flags);
  b.bytes.resize(54);
  return b.bytes;
}

const Bytes kA = {10, 0, 0, 1}, kB = {192, 0, 2, 7}, kC = {10, 0, 0, 2};

class CaptureFlows : public testing::Test {
 protected:
  CaptureFlows() { builder_.pcap_header(1); }

  void add(uint32_t us, const Frame& frame) {
    constexpr uint32_t kUsPerS = 1'000'000;
    builder_.pcap_packet(1 + us / kUsPerS, us % kUsPerS, ethernet(frame), frame.size + 14u);
  }
  std::vector<RecordedFlow> read(const FlowReadOptions& options = {}) {
    write_file(path_, builder_.bytes);
    std::vector<RecordedFlow> flows;
    read_capture_flows(path_, options, [&](RecordedFlow&& f) { flows.push_back(std::move(f)); });
    return flows;
  }
  static std::vector<int> signed_sizes(const RecordedFlow& flow) {
    std::vector<int> sizes;
    for (const FlowPacket& p : flow.packets) {
      sizes.push_back(p.direction == Direction::up ? p.size : -p.size);
    }
    return sizes;
  }

  CaptureBuilder builder_;
  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "in.pcap";
};

TEST_F(CaptureFlows, ConversationsInOrderOfTheirFirstPackets) {
  add(0, {kB, kA, 443, 5000, 17, 200});
  add(1, {kC, kB, 1, 2, 17, 300});
  add(2, {kA, kB, 5000, 443, 17, 400});
  add(3, {kB, kA, 443, 5000, 17, 500});
  const auto flows = read();
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].name, "udp 192.0.2.7:443 10.0.0.1:5000");
  EXPECT_EQ(flows[0].label, "");
  EXPECT_THAT(signed_sizes(flows[0]), ElementsAre(200, -400, 500));
  EXPECT_EQ(flows[0].packets[1].time_us, 1'000'002);
  EXPECT_EQ(flows[1].name, "udp 10.0.0.2:1 192.0.2.7:2");
  EXPECT_THAT(signed_sizes(flows[1]), ElementsAre(300));
}

TEST_F(CaptureFlows, InsidePrefixesSayWhatUpstreamIs) {
  add(0, {kB, kA, 443, 5000, 17, 200});
  add(1, {kA, kB, 5000, 443, 17, 400});
  FlowReadOptions options;
  options.inside = {Prefix::parse("10.0.0.0/8")};
  auto flows = read(options);
  EXPECT_EQ(flows[0].name, "udp 10.0.0.1:5000 192.0.2.7:443");
  EXPECT_THAT(signed_sizes(flows[0]), ElementsAre(-200, 400));
  // Both ends inside, or none: the first sender.
  options.inside = {Prefix::parse("0.0.0.0/0")};
  EXPECT_THAT(signed_sizes(read(options)[0]), ElementsAre(200, -400));
  options.inside = {Prefix::parse("172.16.0.0/12")};
  EXPECT_THAT(signed_sizes(read(options)[0]), ElementsAre(200, -400));
}

TEST_F(CaptureFlows, PacketsStayInTheFilesOrderAndTimesThatRunBackStandStill) {
  add(10, {kA, kB, 1, 2, 17, 100});
  add(30, {kA, kB, 1, 2, 17, 101});
  add(20, {kA, kB, 1, 2, 17, 102});
  add(30, {kA, kB, 1, 2, 17, 103});
  const auto flows = read();
  EXPECT_THAT(signed_sizes(flows[0]), ElementsAre(100, 101, 102, 103));
  std::vector<TimeUs> gaps;
  for (const FlowPacket& packet : flows[0].packets) {
    gaps.push_back(packet.time_us - flows[0].packets[0].time_us);
  }
  EXPECT_THAT(gaps, ElementsAre(0, 20, 20, 20));
}

TEST_F(CaptureFlows, LaterFragmentsJoinTheirFlow) {
  add(0, {kA, kB, 1000, 2000, 17, 1500, 7, 0x2000});
  add(1, {kA, kB, 0xffff, 0xffff, 17, 600, 7, 185});
  add(2, {kA, kB, 0xffff, 0xffff, 17, 700, 8, 185});  // its first one is missing
  const auto flows = read();
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].name, "udp 10.0.0.1:1000 192.0.2.7:2000");
  EXPECT_THAT(signed_sizes(flows[0]), ElementsAre(1500, 600));
  EXPECT_EQ(flows[1].name, "udp 10.0.0.1 192.0.2.7");
}

TEST_F(CaptureFlows, PureAcksAreKnown) {
  add(0, {kA, kB, 1, 2, 6, 40, 0, 0, 0x10});
  add(1, {kA, kB, 1, 2, 6, 41, 0, 0, 0x10});
  add(2, {kA, kB, 1, 2, 6, 40, 0, 0, 0x12});
  const auto flows = read();
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_TRUE(flows[0].packets[0].pure_ack);
  EXPECT_FALSE(flows[0].packets[1].pure_ack);
  EXPECT_FALSE(flows[0].packets[2].pure_ack);
}

constexpr uint8_t kSyn = 0x02, kSynAck = 0x12, kFinAck = 0x11, kRst = 0x04;

// The ports of a conversation that ended serve another one.
TEST_F(CaptureFlows, APortUsedAgainAfterItsEndIsAnotherFlow) {
  add(0, {kA, kB, 1, 443, 6, 40, 0, 0, kSyn});
  add(10, {kB, kA, 443, 1, 6, 41, 0, 0, kSynAck});
  add(20, {kA, kB, 1, 443, 6, 42, 0, 0, kFinAck});
  add(5'000'500, {kB, kA, 443, 1, 6, 43, 0, 0, kFinAck});  // 5 s: still closing
  add(10'001'600, {kB, kA, 443, 1, 6, 44, 0, 0, kSynAck});
  add(10'001'700, {kA, kB, 1, 443, 6, 45});
  const auto flows = read();
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_THAT(signed_sizes(flows[0]), ElementsAre(40, -41, 42, -43));
  EXPECT_THAT(signed_sizes(flows[1]), ElementsAre(-44, 45));
  EXPECT_EQ(flows[0].name, flows[1].name);
}

TEST_F(CaptureFlows, ASynWhileClosingGoesOnWithTheFlow) {
  add(0, {kA, kB, 1, 443, 6, 40, 0, 0, kSyn});
  add(10, {kA, kB, 1, 443, 6, 41, 0, 0, kRst});
  add(20, {kA, kB, 1, 443, 6, 42, 0, 0, kSyn});
  add(10'000'000, {kA, kB, 1, 443, 6, 43});
  EXPECT_THAT(signed_sizes(read()[0]), ElementsAre(40, 41, 42, 43));
}

TEST_F(CaptureFlows, SilenceEndsAFlow) {
  add(0, {kA, kB, 1, 2, 17, 100});
  add(15'000'999, {kA, kB, 1, 2, 17, 101});   // one packet lasts for 15 s
  add(135'000'999, {kB, kA, 2, 1, 17, 102});  // several for 120 s
  add(255'002'000, {kB, kA, 2, 1, 17, 103});
  add(270'003'000, {kB, kA, 2, 1, 17, 104});
  const auto flows = read();
  ASSERT_EQ(flows.size(), 3u);
  EXPECT_THAT(signed_sizes(flows[0]), ElementsAre(100, 101, -102));
  EXPECT_EQ(flows[1].name, "udp 192.0.2.7:2 10.0.0.1:1");
  EXPECT_THAT(signed_sizes(flows[1]), ElementsAre(103));
  EXPECT_THAT(signed_sizes(flows[2]), ElementsAre(104));
}

TEST_F(CaptureFlows, TimeoutsAreOptions) {
  add(0, {kA, kB, 1, 2, 17, 100});
  add(10, {kA, kB, 1, 2, 17, 100});
  add(2'000'000, {kA, kB, 1, 2, 17, 100});
  FlowReadOptions options;
  options.timeouts.idle_ms = 1000;
  EXPECT_EQ(read(options).size(), 2u);
}

TEST_F(CaptureFlows, WhoSendsASynAckDidNotBegin) {
  add(0, {kB, kA, 443, 1, 6, 40, 0, 0, kSynAck});
  add(1, {kA, kB, 1, 443, 6, 41});
  const auto flows = read();
  EXPECT_EQ(flows[0].name, "tcp 10.0.0.1:1 192.0.2.7:443");
  EXPECT_THAT(signed_sizes(flows[0]), ElementsAre(-40, 41));
}

TEST_F(CaptureFlows, BothSpisOfATunnelAreOneStream) {
  add(0, {kA, kB, 1, 2, 50, 100});
  add(1, {kB, kA, 3, 4, 50, 200});
  const auto flows = read();
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].name, "esp 10.0.0.1 192.0.2.7");
  EXPECT_THAT(signed_sizes(flows[0]), ElementsAre(100, -200));
}

TEST_F(CaptureFlows, PacketsWithoutAFlowAreLeftOut) {
  builder_.pcap_packet(1, 0, Bytes(60));  // no IP
  Bytes cut = ethernet({kA, kB, 1, 2, 17, 100});
  cut.resize(36);  // on the wire: nothing that the capture lacks
  builder_.pcap_packet(1, 0, cut);
  EXPECT_TRUE(read().empty());
}

TEST_F(CaptureFlows, ASnapLengthThatHoldsNoHeadersIsAnError) {
  Bytes cut = ethernet({kA, kB, 1, 2, 17, 100});
  cut.resize(40);
  builder_.pcap_packet(1, 0, Bytes(60));  // no IP
  builder_.pcap_packet(1, 0, cut, 114);
  builder_.pcap_packet(2, 0, cut, 114);
  EXPECT_THAT([&] { read(); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr(path_.string()), HasSubstr("2 of 3"),
                                                  HasSubstr("snap length of 40 bytes"))));
}

TEST_F(CaptureFlows, PacketsThatAreCutOffAreToldWhenOthersHaveAFlow) {
  Bytes cut = ethernet({kA, kB, 1, 2, 17, 100});
  cut.resize(40);
  add(0, {kA, kB, 1, 2, 17, 100});
  builder_.pcap_packet(1, 0, cut, 114);
  std::vector<std::string> told;
  FlowReadOptions options;
  options.warn = [&](const std::string& text) { told.push_back(text); };
  EXPECT_EQ(read(options).size(), 1u);
  EXPECT_THAT(told, ElementsAre(AllOf(HasSubstr(path_.string()), HasSubstr("1 of 2"),
                                      HasSubstr("snap length of 40 bytes"))));
}

TEST_F(CaptureFlows, ACaptureCutBehindItsHeadersIsNoCauseForAWarning) {
  builder_.pcap_packet(1, 0, ethernet({kA, kB, 1, 2, 17, 1000}), 1014);
  FlowReadOptions options;
  options.warn = [](const std::string& text) { ADD_FAILURE() << text; };
  EXPECT_EQ(read(options).size(), 1u);
}

TEST_F(CaptureFlows, TunnelsWhenAskedFor) {
  Bytes frame = ethernet({kA, kB, 0, 0, 4, 120});  // IP in IP
  frame.resize(34);
  const Bytes inner = ethernet({kC, kA, 1, 2, 17, 100});
  frame.insert(frame.end(), inner.begin() + 14, inner.end());
  builder_.pcap_packet(1, 0, frame, 134);
  EXPECT_EQ(read()[0].name, "ipip 10.0.0.1 192.0.2.7");
  FlowReadOptions options;
  options.parse.enter(Tunnel::ipip);
  EXPECT_EQ(read(options)[0].name, "udp 10.0.0.2:1 10.0.0.1:2");
}

TEST_F(CaptureFlows, CutOffCaptureGivesWhatItHasAndThenTheError) {
  add(0, {kA, kB, 1, 2, 17, 100});
  add(1, {kA, kB, 3, 4, 17, 100});
  builder_.bytes.pop_back();
  write_file(path_, builder_.bytes);
  std::vector<std::string> names;
  EXPECT_THAT(
      [&] { read_capture_flows(path_, {}, [&](RecordedFlow&& f) { names.push_back(f.name); }); },
      testing::ThrowsMessage<Error>(AllOf(HasSubstr(path_.string()), HasSubstr("packet 2"))));
  EXPECT_THAT(names, ElementsAre("udp 10.0.0.1:1 192.0.2.7:2"));
}

}  // namespace
}  // namespace flowmark::test
