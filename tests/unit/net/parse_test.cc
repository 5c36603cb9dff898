#include "net/parse.h"

#include <gtest/gtest.h>

#include <random>

#include "net/dissect.h"
#include "unit/net/golden.h"

namespace flowmark::test {
namespace {

Packet packet_of(GoldenCase& c) {
  Packet packet;
  packet.data = c.bytes.data();
  packet.head_length = static_cast<uint32_t>(c.bytes.size());
  packet.wire_length = c.wire_length;
  packet.link = c.link;
  return packet;
}

TEST(Parse, BurstGivesWhatSinglePacketsGive) {
  std::vector<GoldenCase> cases = read_all_golden();
  std::vector<Packet> packets;
  for (GoldenCase& c : cases) packets.push_back(packet_of(c));
  const ParseOptions options{Tunnel::vxlan, Tunnel::gre};
  for (const size_t n : {size_t{0}, size_t{1}, size_t{3}, size_t{4}, size_t{5}, packets.size()}) {
    std::vector<ParsedPacket> out(n);
    parse(std::span(packets).first(n), options, out);
    for (size_t i = 0; i < n; ++i) {
      ParsedPacket one;
      parse(packets[i], options, one);
      EXPECT_EQ(describe(out[i]), describe(one)) << cases[i].name;
    }
  }
}

// parse() takes a short way for common frames: no one may be able to tell.
TEST(Parse, ShortWayAgreesWithTheGeneralParser) {
  std::mt19937 random(1);
  uint64_t ok = 0;
  for (GoldenCase& original : read_all_golden()) {
    for (int round = 0; round < 3000; ++round) {
      GoldenCase c = original;
      if (c.bytes.empty()) continue;
      for (uint32_t flips = random() % 4; flips > 0; --flips) {
        c.bytes[random() % c.bytes.size()] = static_cast<uint8_t>(random());
      }
      if (random() % 4 == 0) c.bytes.resize(random() % (c.bytes.size() + 1));
      c.wire_length = static_cast<uint32_t>(c.bytes.size() + (random() % 2) * (random() % 100));
      if (random() % 2 == 0) c.options = ParseOptions::all_tunnels();
      ParsedPacket fast, general;
      fast.tcp_flags = 0xee;
      fast.pure_ack = true;
      parse(packet_of(c), c.options, fast);
      dissect(packet_of(c), c.options, general);
      ASSERT_EQ(describe(fast), describe(general)) << original.name;
      ok += fast.status == ParseStatus::ok;
    }
  }
  EXPECT_GT(ok, 10000u);
}

TEST(Parse, MarkOffsetIsTheOutermostHeaderEvenWhenTheInnerOneIsCut) {
  for (GoldenCase& c : read_all_golden()) {
    if (c.name != "vxlan whose inner header was not captured") continue;
    ParsedPacket out;
    parse(packet_of(c), c.options, out);
    EXPECT_EQ(out.status, ParseStatus::truncated);
    EXPECT_EQ(out.mark_offset, 14);
    return;
  }
  FAIL() << "no such case";
}

TEST(Parse, BothDirectionsHaveOneKey) {
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    std::vector<uint8_t> forth(42, 0);
    forth[12] = 0x08;
    forth[14] = 0x45;
    forth[17] = 28;
    forth[23] = 17;
    for (size_t i = 26; i < 38; ++i) forth[i] = static_cast<uint8_t>(random() % 3);
    std::vector<uint8_t> back = forth;
    std::swap_ranges(back.begin() + 26, back.begin() + 30, back.begin() + 30);
    std::swap_ranges(back.begin() + 34, back.begin() + 36, back.begin() + 36);
    ParsedPacket there, again;
    Packet packet{.data = forth.data(), .head_length = 42, .wire_length = 42};
    parse(packet, {}, there);
    packet.data = back.data();
    parse(packet, {}, again);
    ASSERT_EQ(there.status, ParseStatus::ok);
    EXPECT_EQ(there.key, again.key);
    EXPECT_EQ(hash(there.key), hash(again.key));
    if (forth != back) {
      EXPECT_NE(there.from_a, again.from_a);
    }
  }
}

TEST(Parse, StatusNames) {
  EXPECT_STREQ(to_string(ParseStatus::ok), "ok");
  EXPECT_STREQ(to_string(ParseStatus::not_ip), "not_ip");
  EXPECT_STREQ(to_string(ParseStatus::truncated), "truncated");
  EXPECT_STREQ(to_string(ParseStatus::malformed), "malformed");
}

TEST(Parse, LinkNames) {
  EXPECT_STREQ(to_string(LinkType::ethernet), "Ethernet");
  EXPECT_STREQ(to_string(LinkType::raw_ip), "raw IP");
  EXPECT_STREQ(to_string(LinkType::linux_sll), "Linux cooked");
  EXPECT_STREQ(to_string(LinkType::linux_sll2), "Linux cooked 2");
  EXPECT_STREQ(to_string(LinkType::bsd_loopback), "BSD loopback");
  EXPECT_STREQ(to_string(LinkType::ppp), "PPP");
  EXPECT_STREQ(to_string(LinkType::dsa), "Ethernet with a switch's tag");
  EXPECT_STREQ(to_string(LinkType::dsa_before), "Ethernet behind a switch's tag");
}

}  // namespace
}  // namespace flowmark::test
