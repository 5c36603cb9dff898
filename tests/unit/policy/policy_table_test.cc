#include "policy/policy_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "base/error.h"

namespace flowmark {
namespace {

bool is_in(const std::vector<NumberRange>& ranges, uint16_t number) {
  return std::ranges::any_of(ranges, [number](const NumberRange& range) {
    return range.first <= number && number <= range.last;
  });
}

/// What a policy's conditions mean, one by one.
bool fits(const FlowPolicy& policy, const PolicySubject& flow) {
  const auto holds = [](const auto& list, bool fulfilled) { return list.empty() || fulfilled; };
  return holds(policy.hosts,
               contains(policy.hosts, flow.inside) || contains(policy.hosts, flow.outside)) &&
         holds(policy.inside, contains(policy.inside, flow.inside)) &&
         holds(policy.outside, contains(policy.outside, flow.outside)) &&
         holds(policy.ports,
               is_in(policy.ports, flow.inside_port) || is_in(policy.ports, flow.outside_port)) &&
         holds(policy.inside_ports, is_in(policy.inside_ports, flow.inside_port)) &&
         holds(policy.outside_ports, is_in(policy.outside_ports, flow.outside_port)) &&
         holds(policy.vlans, is_in(policy.vlans, flow.vlan)) &&
         holds(policy.protocols,
               std::ranges::find(policy.protocols, flow.protocol) != policy.protocols.end()) &&
         (!policy.openers || *policy.openers == flow.opener);
}

/// The specification: the list is read from its beginning.
PolicyPlace first_that_fits(const std::vector<FlowPolicy>& policies, const PolicySubject& flow) {
  const auto found = std::ranges::find_if(
      policies, [&flow](const FlowPolicy& policy) { return fits(policy, flow); });
  return found == policies.end() ? kNoPolicy : static_cast<PolicyPlace>(found - policies.begin());
}

/// Policies and flows from a small world, so that many of each meet.
class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {}

  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool one_in(uint32_t n) { return below(n) == 0; }

  IpAddress address() {
    IpAddress address{};
    if (one_in(3)) {
      address = {0x20, 0x01, 0x0d, 0xb8};
      address[7] = static_cast<uint8_t>(below(4));
      address[15] = static_cast<uint8_t>(below(256));
    } else {
      address[10] = address[11] = 0xff;
      address[12] = 10;
      address[13] = static_cast<uint8_t>(below(8));
      address[14] = static_cast<uint8_t>(below(256));
      address[15] = static_cast<uint8_t>(below(256));
    }
    return address;
  }

  Prefix prefix() {
    const IpAddress at = address();
    const bool v4 = is_ipv4(at);
    static constexpr std::array kV4{0U, 8U, 13U, 16U, 24U, 29U, 32U};
    static constexpr std::array kV6{0U, 32U, 62U, 64U, 66U, 120U, 128U};
    const uint32_t length = v4 ? 96 + kV4[below(7)] : kV6[below(7)];
    Prefix prefix{at, static_cast<uint8_t>(length)};
    for (uint32_t bit = length; bit < 128; ++bit) {
      prefix.address[bit / 8] &= static_cast<uint8_t>(~(0x80U >> (bit % 8)));
    }
    return prefix;
  }
  uint16_t port() { return static_cast<uint16_t>(one_in(8) ? 65535 : below(2000)); }
  NumberRange range() {
    const uint16_t a = port(), b = port();
    return one_in(2) ? NumberRange{a, a} : NumberRange{std::min(a, b), std::max(a, b)};
  }
  NumberRange vlan() {
    const auto number = static_cast<uint16_t>(below(5));
    return {number, number};
  }
  uint8_t protocol() { return one_in(2) ? 6 : 17; }
  Direction direction() { return one_in(2) ? Direction::up : Direction::down; }

  FlowPolicy policy() {
    FlowPolicy policy;
    const auto some = [this](auto& list, auto make, uint32_t rarely) {
      if (!one_in(rarely)) return;
      for (uint32_t i = 0; i <= below(3); ++i) list.push_back((this->*make)());
    };
    some(policy.hosts, &World::prefix, 3);
    some(policy.inside, &World::prefix, 2);
    some(policy.outside, &World::prefix, 2);
    some(policy.ports, &World::range, 4);
    some(policy.inside_ports, &World::range, 4);
    some(policy.outside_ports, &World::range, 3);
    some(policy.vlans, &World::vlan, 4);
    some(policy.protocols, &World::protocol, 3);
    if (one_in(4)) policy.openers = direction();
    return policy;
  }
  PolicySubject flow() {
    return {.inside = address(),
            .outside = address(),
            .inside_port = port(),
            .outside_port = port(),
            .vlan = static_cast<uint16_t>(below(5)),
            .protocol = protocol(),
            .opener = direction()};
  }

 private:
  std::mt19937 random_;
};

void expect_as_the_list(World& world, const std::vector<FlowPolicy>& policies, int flows) {
  const PolicyTable table(policies);
  for (int i = 0; i < flows; ++i) {
    const PolicySubject flow = world.flow();
    ASSERT_EQ(table.find(flow), first_that_fits(policies, flow)) << "flow " << i;
  }
}

TEST(PolicyTable, FindsWhatTheListSays) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    World world(seed);
    std::vector<FlowPolicy> policies;
    const uint32_t count = 1 + world.below(130);
    for (uint32_t i = 0; i < count; ++i) policies.push_back(world.policy());
    SCOPED_TRACE(seed);
    expect_as_the_list(world, policies, 100);
  }
}

// Each with conditions narrow enough that flows are decided all over the list.
TEST(PolicyTable, FindsWhatAListOfTenThousandSays) {
  World world(1);
  std::vector<FlowPolicy> policies;
  while (policies.size() < 10'000) {
    FlowPolicy policy = world.policy();
    policy.hosts = {{world.address(), 128}};
    policies.push_back(std::move(policy));
  }
  const PolicyTable table(policies);
  size_t decided = 0, late = 0;
  for (int i = 0; i < 2000; ++i) {
    PolicySubject flow = world.flow();
    flow.inside = policies[world.below(10'000)].hosts[0].address;
    const PolicyPlace found = table.find(flow);
    ASSERT_EQ(found, first_that_fits(policies, flow));
    decided += found != kNoPolicy;
    late += found != kNoPolicy && found > 5000;
  }
  EXPECT_GT(decided, 200U);
  EXPECT_GT(late, 50U);
}

TEST(PolicyTable, WithoutConditionsEveryFlowFits) {
  EXPECT_EQ(PolicyTable({FlowPolicy{}}).find({}), 0);
  EXPECT_EQ(PolicyTable({}).find({}), kNoPolicy);
}

TEST(PolicyTable, AllIpv6AddressesAreNoIpv4Address) {
  FlowPolicy policy;
  policy.inside = {Prefix::parse("::/0")};
  const PolicyTable table({policy});
  for (const char* text : {"::", "::fffe:ffff:ffff", "::1:0:0:0", "ff02::1",
                           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_EQ(table.find({.inside = Prefix::parse(text).address}), 0) << text;
  }
  for (const char* text : {"0.0.0.0", "10.0.0.1", "255.255.255.255"}) {
    EXPECT_EQ(table.find({.inside = Prefix::parse(text).address}), kNoPolicy) << text;
  }
}

TEST(PolicyTable, EndsOfRangesBelongToThem) {
  FlowPolicy policy;
  policy.ports = {{5060, 5061}, {65535, 65535}};
  const PolicyTable table({policy});
  for (const uint16_t port : std::to_array<uint16_t>({5060, 5061, 65535})) {
    EXPECT_EQ(table.find({.outside_port = port}), 0) << port;
  }
  for (const uint16_t port : std::to_array<uint16_t>({5059, 5062, 65534})) {
    EXPECT_EQ(table.find({.outside_port = port}), kNoPolicy) << port;
  }
}

TEST(PolicyTable, TooManyPoliciesAreRefused) {
  EXPECT_NO_THROW(PolicyTable(std::vector<FlowPolicy>(kMostPolicies)));
  EXPECT_THROW(PolicyTable(std::vector<FlowPolicy>(kMostPolicies + 1)), Error);
}

// Ranges that overlap in another order in each of four places: each piece has bits of its own.
TEST(RangeIndex, WhatTakesTooMuchMemoryIsRefused) {
  const auto fill = [](RangeIndex& index, uint64_t places) {
    constexpr uint64_t kStep = 7919;
    for (uint64_t place = 0, factor = 1; place < places; ++place, factor *= kStep) {
      for (uint64_t rule = 0; rule < kMostPolicies; ++rule) {
        const uint64_t at = rule * factor % kMostPolicies;
        index.add(rule, {place, at}, {place, at + kMostPolicies / 2});
      }
    }
    index.finish(kMostPolicies);
  };
  RangeIndex enough, too_much;
  EXPECT_NO_THROW(fill(enough, 1));
  EXPECT_THROW(fill(too_much, 4), Error);
}

}  // namespace
}  // namespace flowmark
