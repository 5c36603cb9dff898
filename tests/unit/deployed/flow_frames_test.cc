// Frames of recorded packets tell the parser what was recorded.
#include "deployed/flow_frames.h"

#include <gtest/gtest.h>

#include <vector>

#include "flow/flow_facts.h"
#include "net/byte_order.h"
#include "net/parse.h"
#include "net/protocol.h"
#include "support/frames.h"

namespace flowmark {
namespace {

RecordedFlow flow_of(const std::string& protocol) {
  return {.name = protocol + " 10.0.0.1:1 192.0.2.1:2", .label = "", .packets = {}};
}

ParsedPacket parsed(const Packet& frame) {
  ParsedPacket out;
  parse(frame, {}, out);
  return out;
}

TEST(FlowFrames, SizesAndDirectionsAreTheRecordedOnes) {
  FlowFrames frames(flow_of("udp"));
  for (const uint16_t size : std::initializer_list<uint16_t>{28, 29, 172, 1500, 9000, 65535}) {
    const FlowPacket up{.time_us = 5, .size = size};
    const ParsedPacket first = parsed(frames.frame(up));
    ASSERT_EQ(first.status, ParseStatus::ok) << size;
    EXPECT_EQ(first.ip_length, size);
    EXPECT_EQ(first.key.protocol, kProtoUdp);
    EXPECT_EQ(first.traffic_class, 0);
    const Packet down = frames.frame({.time_us = 6, .size = size, .direction = Direction::down});
    EXPECT_EQ(down.port, FlowFrames::kLanPort + 1);
    EXPECT_EQ(down.time_us, 6);
    EXPECT_EQ(down.wire_length, 14U + size);
    const ParsedPacket second = parsed(down);
    EXPECT_EQ(second.key, first.key) << "one flow";
    EXPECT_NE(second.from_a, first.from_a);
  }
}

TEST(FlowFrames, ChecksumsAreRight) {
  FlowFrames frames(flow_of("tcp"));
  const Packet frame = frames.frame({.size = 120, .pure_ack = true});
  std::vector<uint8_t> bytes(frame.data, frame.data + frame.head_length);
  uint32_t sum = 0;
  for (size_t i = 14; i < 14 + 60; i += 2) sum += load_be16(&bytes[i]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(sum, 0xffffU);
  FlowFrames udp_frames(flow_of("udp"));
  const Packet udp = udp_frames.frame({.size = 100});
  EXPECT_TRUE(testing::ipv4_checksum_valid({udp.data, udp.data + udp.head_length}));
}

TEST(FlowFrames, PureAcksAreOfTcpAndOfEveryLength) {
  FlowFrames frames(flow_of("tcp"));
  for (uint16_t size = 40; size <= 120; size = static_cast<uint16_t>(size + 4)) {
    const ParsedPacket ack = parsed(frames.frame({.size = size, .pure_ack = true}));
    ASSERT_EQ(ack.status, ParseStatus::ok) << size;
    EXPECT_TRUE(ack.pure_ack) << size;
    EXPECT_EQ(ack.ip_length, size);
    const ParsedPacket data = parsed(frames.frame({.size = size}));
    ASSERT_EQ(data.status, ParseStatus::ok) << size;
    EXPECT_FALSE(data.pure_ack) << size;
    EXPECT_EQ(data.key, ack.key);
  }
}

TEST(FlowFrames, NoRecordedPacketEndsItsFlow) {
  FlowFrames frames(flow_of("tcp"));
  for (const bool pure_ack : {false, true}) {
    const ParsedPacket packet = parsed(frames.frame({.size = 40, .pure_ack = pure_ack}));
    EXPECT_EQ(packet.tcp_flags & (kTcpFin | kTcpRst | kTcpSyn), 0);
  }
}

TEST(FlowFrames, SmallSizesBecomeThoseOfTheHeaders) {
  EXPECT_EQ(parsed(FlowFrames(flow_of("udp")).frame({.size = 1})).ip_length, 28);
  EXPECT_EQ(parsed(FlowFrames(flow_of("tcp")).frame({.size = 1})).ip_length, 40);
  const ParsedPacket icmp = parsed(FlowFrames(flow_of("icmp")).frame({.size = 84}));
  EXPECT_EQ(icmp.status, ParseStatus::ok);
  EXPECT_EQ(icmp.key.protocol, kProtoIcmp);
}

// A model that reads the transport must see played what it saw in training.
TEST(FlowFrames, LiveFactsAreThoseOfTheRecordedFlow) {
  for (const char* protocol : {"udp", "tcp", "esp", "gre", "icmp"}) {
    const RecordedFlow flow = flow_of(protocol);
    const ParsedPacket packet = parsed(FlowFrames(flow).frame({.size = 100}));
    ASSERT_EQ(packet.status, ParseStatus::ok) << protocol;
    EXPECT_EQ(facts_of(packet.key).transport, facts_of(flow).transport) << protocol;
  }
  RecordedFlow named{.name = "call 7", .label = "", .packets = {}};
  EXPECT_EQ(parsed(FlowFrames(named).frame({.size = 100})).key.protocol, kProtoUdp);
  named.attributes["transport"] = "tcp";
  EXPECT_EQ(parsed(FlowFrames(named).frame({.size = 100})).key.protocol, kProtoTcp);
}

}  // namespace
}  // namespace flowmark
