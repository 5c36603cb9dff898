#include "flow/flow_entry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <random>
#include <set>
#include <vector>

#include "flow/flow_set.h"

namespace flowmark {
namespace {

void map_to_ip4(IpAddress& address) {
  std::fill_n(address.begin(), 10, uint8_t{0});
  address[10] = address[11] = 0xff;
}

FlowKey draw_key(std::mt19937_64& random, bool a_is_ip4, bool b_is_ip4) {
  FlowKey key;
  for (uint8_t& byte : key.a) byte = static_cast<uint8_t>(random());
  for (uint8_t& byte : key.b) byte = static_cast<uint8_t>(random());
  if (a_is_ip4) map_to_ip4(key.a);
  if (b_is_ip4) map_to_ip4(key.b);
  key.a_port = be16_t(static_cast<uint16_t>(random()));
  key.b_port = be16_t(static_cast<uint16_t>(random()));
  key.protocol = static_cast<uint8_t>(random());
  key.zone = static_cast<uint8_t>(random());
  return key;
}

TEST(EntryKey, EqualsItsKeyAndNoOther) {
  constexpr size_t kBits = offsetof(FlowKey, reserved) * 8;
  std::mt19937_64 random(3);
  for (int round = 0; round < 400; ++round) {
    const FlowKey key = draw_key(random, round % 2 == 0, round % 4 < 2);
    EntryKey entry(key);
    EXPECT_EQ(entry.has_records(), round % 4 == 0);
    ASSERT_TRUE(entry.is(key));
    ASSERT_EQ(entry.key(), key);
    for (uint32_t i = 0; entry.has_records() && i < EntryKey::kRecords; ++i) {
      entry.set_record(i, std::bit_cast<PacketRecord>(random()));
    }
    ASSERT_TRUE(entry.is(key));
    ASSERT_EQ(entry.key(), key);
    for (size_t bit = 0; bit < kBits; ++bit) {
      FlowKey other = key;
      reinterpret_cast<uint8_t*>(&other)[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      ASSERT_FALSE(entry.is(other)) << "bit " << bit;
      ASSERT_FALSE(EntryKey(other).is(key)) << "bit " << bit;
    }
    entry.forget();
    ASSERT_FALSE(entry.is(key));
  }
}

// An IPv6 key whose words look like those that an IPv4 key is kept as.
TEST(EntryKey, Ip4AndIp6AreNeverTheSame) {
  std::mt19937_64 random(4);
  const FlowKey ip4 = draw_key(random, true, true);
  FlowKey ip6 = ip4;
  std::copy_n(ip4.a.begin() + 12, 4, ip6.a.begin());
  std::copy_n(ip4.b.begin() + 12, 4, ip6.a.begin() + 4);
  std::fill_n(ip6.a.begin() + 8, 8, uint8_t{0});
  ip6.b = {};
  EXPECT_FALSE(EntryKey(ip4).is(ip6));
  EXPECT_FALSE(EntryKey(ip6).is(ip4));
  EXPECT_EQ(EntryKey(ip6).key(), ip6);
}

// Whenever they are asked for, the records are those that were kept, in their order.
TEST(FlowEntry, RecordsComeBackAsTheyWereKept) {
  constexpr size_t kMost = 40;
  std::mt19937_64 random(5);
  for (int round = 0; round < 400; ++round) {
    std::vector<PacketRecord> at_state(kMost), kept;
    FlowEntry entry;
    const FlowKey key = draw_key(random, round % 2 == 0, round % 2 == 0);
    entry.key = EntryKey(key);
    entry.state = at_state.data();
    entry.staging = {};
    while (kept.size() < kMost) {
      kept.push_back(std::bit_cast<PacketRecord>(random()));
      entry.append(kept.back());
      ASSERT_EQ(entry.staging.count, kept.size());
      if (random() % 4 != 0 && kept.size() != kMost) continue;
      entry.gather();
      for (size_t i = 0; i < kept.size(); ++i) {
        ASSERT_EQ(std::bit_cast<uint64_t>(at_state[i]), std::bit_cast<uint64_t>(kept[i])) << i;
      }
    }
    ASSERT_TRUE(entry.key.is(key));
  }
}

// Whatever the instruction set: the comparison in words and lane by lane is the specification.
TEST(FlowSet, MatchesWhatTheLanesSay) {
  constexpr uint16_t kEdges[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    FlowSet set{};
    for (uint32_t lane = 0; lane < FlowSet::kLanes; ++lane) {
      set.set(lane, random() % 2 == 0 ? kEdges[random() % 6] : static_cast<uint16_t>(random()));
    }
    const uint16_t tag = set.tag(static_cast<uint32_t>(random() % FlowSet::kLanes));
    std::set<uint32_t> expected, found;
    for (uint32_t lane = 0; lane < FlowSet::kLanes; ++lane) {
      if (set.tag(lane) == tag) expected.insert(lane);
      const bool scalar = ((match_tags(set.tags[lane / 4], tag) >> (lane % 4 * 16 + 15)) & 1) != 0;
      ASSERT_EQ(scalar, set.tag(lane) == tag);
    }
    for (uint64_t left = set.matches(tag); left != 0; left &= left - 1) {
      found.insert(FlowSet::first(left));
    }
    ASSERT_EQ(found, expected);
    ASSERT_EQ(static_cast<size_t>(std::popcount(set.matches(tag))), expected.size());
  }
}

}  // namespace
}  // namespace flowmark
