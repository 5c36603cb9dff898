#include "net/flow_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <set>

#include "net/prefix.h"

namespace flowmark {
namespace {

FlowKey key4(uint32_t a, uint32_t b, uint16_t a_port, uint16_t b_port, uint8_t protocol = 6) {
  FlowKey key;
  key.a[10] = key.a[11] = key.b[10] = key.b[11] = 0xff;
  for (size_t i = 0; i < 4; ++i) {
    key.a[12 + i] = static_cast<uint8_t>(a >> (24 - 8 * i));
    key.b[12 + i] = static_cast<uint8_t>(b >> (24 - 8 * i));
  }
  key.a_port = be16_t(a_port);
  key.b_port = be16_t(b_port);
  key.protocol = protocol;
  return key;
}

// Chi-squared of `counts` against a uniform spread, as standard deviations from its mean.
double deviation(const std::vector<uint32_t>& counts, double total) {
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (const uint32_t n : counts) sum += (n - expected) * (n - expected) / expected;
  const double freedom = static_cast<double>(counts.size()) - 1;
  return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST(FlowKey, TextOfIpv4) {
  const FlowKey key = key4(0x0a000001, 0xc0000201, 40000, 443);
  EXPECT_EQ(to_string(key), "tcp 10.0.0.1:40000 192.0.2.1:443");
  EXPECT_EQ(to_string(key, false), "tcp 192.0.2.1:443 10.0.0.1:40000");
}

TEST(FlowKey, TextOfIpv6PutsAddressesInBrackets) {
  FlowKey key = key4(0, 0, 1000, 2000, 17);
  key.a = Prefix::parse("2001:db8::1").address;
  key.b = Prefix::parse("2001:db8:0:0:1:0:0:1").address;
  EXPECT_EQ(to_string(key), "udp [2001:db8::1]:1000 [2001:db8::1:0:0:1]:2000");
}

TEST(FlowKey, TextWithoutPorts) {
  EXPECT_EQ(to_string(key4(0x0a000001, 0x0a000002, 0, 0, 50)), "esp 10.0.0.1 10.0.0.2");
}

TEST(FlowKey, TextNamesAZone) {
  FlowKey key = key4(0x0a000001, 0x0a000002, 0, 0, 47);
  key.zone = 3;
  EXPECT_EQ(to_string(key), "gre 10.0.0.1 10.0.0.2 zone 3");
}

TEST(FlowKey, ProtocolNames) {
  EXPECT_EQ(protocol_name(1), "icmp");
  EXPECT_EQ(protocol_name(6), "tcp");
  EXPECT_EQ(protocol_name(17), "udp");
  EXPECT_EQ(protocol_name(50), "esp");
  EXPECT_EQ(protocol_name(58), "icmpv6");
  EXPECT_EQ(protocol_name(132), "sctp");
  EXPECT_EQ(protocol_name(253), "253");
}

TEST(FlowKey, AddressText) {
  EXPECT_EQ(to_string(IpAddress{}), "::");
  EXPECT_EQ(to_string(Prefix::parse("192.0.2.1").address), "192.0.2.1");
  EXPECT_EQ(to_string(Prefix::parse("2001:DB8:0:0:0:0:0:1").address), "2001:db8::1");
  EXPECT_TRUE(is_ipv4(Prefix::parse("0.0.0.0").address));
  EXPECT_FALSE(is_ipv4(Prefix::parse("2001:db8::1").address));
  EXPECT_FALSE(is_ipv4(IpAddress{}));
}

// The values are part of the contract: replays come out the same on every machine.
TEST(FlowKeyHash, IsTheSameEverywhereWithoutASecretOfItsOwn) {
  EXPECT_EQ(hash(FlowKey{}), 0x3a6062725dbc6967u);
  EXPECT_EQ(hash(key4(0x0a000001, 0xc0000201, 40000, 443)), 0xb0366bd4991262eau);
}

TEST(FlowKeyHash, EveryInputBitChangesHalfOfTheOutputBits) {
  std::mt19937_64 random(3);
  constexpr int kRounds = 400;
  constexpr size_t kBits = 37 * 8;  // without `reserved`
  for (size_t bit = 0; bit < kBits; ++bit) {
    std::array<uint32_t, 64> flips{};
    for (int round = 0; round < kRounds; ++round) {
      std::array<uint8_t, sizeof(FlowKey)> bytes{};
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      FlowKey one = std::bit_cast<FlowKey>(bytes);
      bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
      FlowKey two = std::bit_cast<FlowKey>(bytes);
      const uint64_t difference = hash(one) ^ hash(two);
      for (size_t i = 0; i < 64; ++i) flips[i] += static_cast<unsigned>((difference >> i) & 1);
    }
    for (size_t i = 0; i < 64; ++i) {
      // 400 tosses of a coin stay within 200 +- 60 (six standard deviations).
      EXPECT_NEAR(flips[i], kRounds / 2, 60) << "input bit " << bit << ", output bit " << i;
    }
  }
}

TEST(FlowKeyHash, SpreadsKeysOfOneNetworkOverAnyBits) {
  // A scan, a NAT and a busy server: keys that differ in few bits only.
  std::vector<FlowKey> keys;
  for (uint32_t i = 0; i < 1u << 16; ++i) {
    keys.push_back(key4(0x0a000001, 0xc0a80000 + i, 40000, 80));
    keys.push_back(key4(0x0a000001, 0xc0a80001, static_cast<uint16_t>(i), 80, 17));
    keys.push_back(key4(0x0a000000 + (i & 0xff), 0xc0a80001, static_cast<uint16_t>(i >> 8), 443));
  }
  std::set<uint64_t> seen;
  for (const int shift : {0, 16, 32, 54}) {
    std::vector<uint32_t> counts(1024);
    for (const FlowKey& key : keys) ++counts[(hash(key) >> shift) & 1023];
    EXPECT_LT(std::abs(deviation(counts, static_cast<double>(keys.size()))), 6) << shift;
  }
  for (const FlowKey& key : keys) seen.insert(hash(key));
  EXPECT_GE(seen.size() + 1, keys.size());  // (0, 80) appears under two protocols only
}

/// Flows from one host to one server that meet in a table of 4096 places under a secret that is
/// known: what somebody would send who wants them to.
std::vector<FlowKey> colliding(const HashSecret& known, size_t count) {
  std::vector<FlowKey> keys;
  for (uint32_t host = 0; keys.size() < count; ++host) {
    for (uint32_t port = 1024; port < 65536 && keys.size() < count; ++port) {
      const FlowKey key = key4(0x0a000000 + host, 0xc0000201, static_cast<uint16_t>(port), 443);
      if ((hash(key, known) & 4095) == 77) keys.push_back(key);
    }
  }
  return keys;
}

TEST(FlowKeyHash, ASecretSpreadsWhatCollidesUnderAnother) {
  const HashSecret known;
  const std::vector<FlowKey> keys = colliding(known, 2000);
  HashSecret other;
  for (uint64_t& word : other.words) word = word * 0x9e3779b97f4a7c15 + 1;
  for (const HashSecret& secret : {other, HashSecret::draw(), HashSecret::draw()}) {
    std::vector<uint32_t> low(64), high(64);
    std::set<uint64_t> places;
    for (const FlowKey& key : keys) {
      const uint64_t value = hash(key, secret);
      ++low[value & 63];
      ++high[(value >> 32) & 63];
      places.insert(value & 4095);
    }
    EXPECT_LT(std::abs(deviation(low, static_cast<double>(keys.size()))), 6);
    EXPECT_LT(std::abs(deviation(high, static_cast<double>(keys.size()))), 6);
    EXPECT_GT(places.size(), 1400U);  // 1582 expected of 2000 thrown into 4096
  }
}

TEST(FlowKeyHash, SecretsAreDrawnAnewEachTime) {
  std::set<uint64_t> words;
  for (int i = 0; i < 10; ++i) {
    for (const uint64_t word : HashSecret::draw().words) words.insert(word);
  }
  EXPECT_EQ(words.size(), 60U);
}

// As without: no bit of the key is lost under any secret.
TEST(FlowKeyHash, EveryInputBitCountsUnderADrawnSecret) {
  const HashSecret secret = HashSecret::draw();
  std::mt19937_64 random(5);
  for (size_t bit = 0; bit < 37 * 8; ++bit) {
    uint32_t flips = 0;
    constexpr uint32_t kRounds = 64;
    for (uint32_t round = 0; round < kRounds; ++round) {
      std::array<uint8_t, sizeof(FlowKey)> bytes{};
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      const uint64_t before = hash(std::bit_cast<FlowKey>(bytes), secret);
      bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
      flips += static_cast<uint32_t>(
          std::popcount(before ^ hash(std::bit_cast<FlowKey>(bytes), secret)));
    }
    // Of 4096 tosses of a coin half, +- 9 standard deviations.
    EXPECT_NEAR(flips, kRounds * 32, 288) << "input bit " << bit;
  }
}

TEST(FlowKeyHash, ZoneAndProtocolCount) {
  FlowKey key = key4(0x0a000001, 0x0a000002, 1, 2);
  const uint64_t plain = hash(key);
  key.zone = 1;
  EXPECT_NE(hash(key), plain);
  key.zone = 0;
  key.protocol = 17;
  EXPECT_NE(hash(key), plain);
}

}  // namespace
}  // namespace flowmark
