#include "net/fragment_table.h"

#include <gtest/gtest.h>

#include "net/prefix.h"

namespace flowmark {
namespace {

constexpr TimeUs kStart = 1'700'000'000 * kUsPerSecond;

ParsedPacket fragment(Fragment kind, uint32_t id, bool from_a = true, uint8_t protocol = 17) {
  ParsedPacket p;
  p.status = ParseStatus::ok;
  p.key.a = Prefix::parse("10.0.0.1").address;
  p.key.b = Prefix::parse("192.0.2.7").address;
  p.key.protocol = protocol;
  p.from_a = from_a;
  p.fragment = kind;
  p.fragment_id = id;
  if (kind == Fragment::first) {
    p.key.a_port = be16_t(1000);
    p.key.b_port = be16_t(2000);
  }
  return p;
}

uint16_t a_port_of_later(FragmentTable& table, ParsedPacket later, TimeUs now) {
  table.resolve(later, now);
  EXPECT_EQ(later.fragment, Fragment::later);
  return later.key.a_port.host();
}

TEST(FragmentTable, LaterFragmentsFindTheirFlow) {
  FragmentTable table;
  ParsedPacket first = fragment(Fragment::first, 7);
  table.resolve(first, kStart);
  EXPECT_EQ(first.key.a_port.host(), 1000);
  for (int i = 1; i < 4; ++i) {
    ParsedPacket later = fragment(Fragment::later, 7);
    table.resolve(later, kStart + i);
    EXPECT_EQ(later.key, first.key);
    EXPECT_TRUE(later.from_a);
  }
}

TEST(FragmentTable, NothingIsShownToStrangers) {
  FragmentTable table;
  ParsedPacket first = fragment(Fragment::first, 7);
  table.resolve(first, kStart);
  EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 8), kStart), 0);
  // The other side counts its identifications by itself.
  EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 7, false), kStart), 0);
  EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 7, true, 6), kStart), 0);
  ParsedPacket other = fragment(Fragment::later, 7);
  other.key.b = Prefix::parse("192.0.2.8").address;
  EXPECT_EQ(a_port_of_later(table, other, kStart), 0);
  other = fragment(Fragment::later, 7);
  other.key.zone = 1;
  EXPECT_EQ(a_port_of_later(table, other, kStart), 0);
  EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 7), kStart), 1000);
}

TEST(FragmentTable, LaterOneBeforeTheFirstStaysPortless) {
  FragmentTable table;
  EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 0), 0), 0);
}

TEST(FragmentTable, ForgetsAfterThirtySeconds) {
  FragmentTable table;
  ParsedPacket first = fragment(Fragment::first, 7);
  table.resolve(first, kStart);
  const ParsedPacket later = fragment(Fragment::later, 7);
  EXPECT_EQ(a_port_of_later(table, later, kStart + 30 * kUsPerSecond), 1000);
  EXPECT_EQ(a_port_of_later(table, later, kStart + 30 * kUsPerSecond + 1), 0);
  EXPECT_EQ(a_port_of_later(table, later, kStart - 5), 1000);
}

TEST(FragmentTable, ANewPacketOfTheSameIdReplacesTheOld) {
  FragmentTable table;
  ParsedPacket first = fragment(Fragment::first, 7);
  table.resolve(first, kStart);
  first.key.a_port = be16_t(3000);
  table.resolve(first, kStart + 10);
  EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 7), kStart + 20), 3000);
}

TEST(FragmentTable, Ipv6LaterFragmentsTakeTheUpperProtocol) {
  FragmentTable table;
  ParsedPacket first = fragment(Fragment::first, 9);
  ParsedPacket later = fragment(Fragment::later, 9, true, 60);  // destination options
  first.key.a = later.key.a = Prefix::parse("2001:db8::1").address;
  first.key.b = later.key.b = Prefix::parse("2001:db8::2").address;
  table.resolve(first, kStart);
  table.resolve(later, kStart);
  EXPECT_EQ(later.key, first.key);
}

TEST(FragmentTable, EqualAddressesTakeTheDirectionOfTheFirst) {
  FragmentTable table;
  ParsedPacket first = fragment(Fragment::first, 9);
  ParsedPacket later = fragment(Fragment::later, 9);
  first.key.b = first.key.a;
  later.key.b = later.key.a;
  first.from_a = false;  // by the ports, which the later one does not have
  table.resolve(first, kStart);
  table.resolve(later, kStart);
  EXPECT_EQ(later.key, first.key);
  EXPECT_FALSE(later.from_a);
}

TEST(FragmentTable, OthersAreUntouched) {
  FragmentTable table;
  ParsedPacket whole = fragment(Fragment::first, 7);
  whole.fragment = Fragment::none;
  const FlowKey key = whole.key;
  table.resolve(whole, kStart);
  EXPECT_EQ(whole.key, key);
  EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 7), kStart), 0);

  ParsedPacket broken = fragment(Fragment::first, 7);
  broken.status = ParseStatus::truncated;
  table.resolve(broken, kStart);
  EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 7), kStart), 0);
}

TEST(FragmentTable, ManyPacketsInFlight) {
  FragmentTable table({}, 4096);
  uint32_t found = 0;
  for (uint32_t id = 0; id < 256; ++id) {
    ParsedPacket first = fragment(Fragment::first, id);
    first.key.a_port = be16_t(static_cast<uint16_t>(id + 1));
    table.resolve(first, kStart);
  }
  for (uint32_t id = 0; id < 256; ++id) {
    const uint16_t port = a_port_of_later(table, fragment(Fragment::later, id), kStart);
    EXPECT_TRUE(port == 0 || port == id + 1) << "a stranger's ports";
    found += port != 0;
  }
  EXPECT_GT(found, 230u);  // 256 keys in 4096 places: eight collide on average
}

TEST(FragmentTable, AnySize) {
  for (const uint32_t entries : {0u, 1u, 3u, 1000u}) {
    FragmentTable table({}, entries);
    ParsedPacket first = fragment(Fragment::first, 7);
    table.resolve(first, kStart);
    EXPECT_EQ(a_port_of_later(table, fragment(Fragment::later, 7), kStart), 1000);
  }
}

}  // namespace
}  // namespace flowmark
