// The list of policies in the configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settings/settings.h"

namespace flowmark {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Settings parse_policies(const std::string& text) {
  return parse_settings("mode: replay\n" + text, "/etc/flowmark/test.yaml");
}

std::vector<std::string> policy_problems(const std::string& text) {
  try {
    parse_policies(text);
  } catch (const SettingsError& error) {
    return error.problems();
  }
  return {};
}

TEST(PolicySettings, EveryKeyIsRead) {
  const auto policies = parse_policies(R"(
policies:
  - name: calls
    hosts: [10.0.0.1, 2001:db8::/32]
    inside: 10.0.0.0/8
    outside: [192.0.2.0/24]
    ports: [53, 5060-5090]
    inside_ports: 40000-65535
    outside_ports: 443
    vlans: [0, 100-199]
    protocols: [udp, 6]
    direction: inbound
    class: voip
  - {classify: false}
  - {mark: false, confidence: 0.8}
)")
                            .policies;
  ASSERT_EQ(policies.size(), 3U);
  FlowPolicy calls;
  calls.name = "calls";
  calls.hosts = {Prefix::parse("10.0.0.1"), Prefix::parse("2001:db8::/32")};
  calls.inside = {Prefix::parse("10.0.0.0/8")};
  calls.outside = {Prefix::parse("192.0.2.0/24")};
  calls.ports = {{53, 53}, {5060, 5090}};
  calls.inside_ports = {{40000, 65535}};
  calls.outside_ports = {{443, 443}};
  calls.vlans = {{0, 0}, {100, 199}};
  calls.protocols = {17, 6};
  calls.openers = Direction::down;
  calls.class_name = "voip";
  calls.class_marks = dscp::kExpedited;
  EXPECT_EQ(policies[0], calls);
  EXPECT_FALSE(policies[0].asks_models());
  EXPECT_FALSE(policies[1].asks_models());
  EXPECT_TRUE(policies[2].asks_models());
  EXPECT_FALSE(policies[2].mark);
  EXPECT_EQ(policies[2].confidence, 0.8F);
}

TEST(PolicySettings, AClassHasItsMarksOfTheMaps) {
  const auto policies = parse_policies(R"(
policies: [{class: gaming}]
marking: {classes: {gaming: CS4}, towards_lan: {profile: wmm, classes: {gaming: AF41}}}
)")
                            .policies;
  EXPECT_EQ(policies[0].class_marks, MarkPair(Dscp{32}, dscp::kAf41));
}

TEST(PolicySettings, AMapReplacesTheConfiguredOnesInBothDirections) {
  const auto policies = parse_policies(R"(
policies: [{map: cake-diffserv4, class: p2p}, {map: wmm, class: cameras}, {map: wmm}]
marking: {classes: {cameras: CS4, p2p: AF41}, towards_lan: {profile: two-level}}
)")
                            .policies;
  EXPECT_EQ(policies[0].map, MarkProfile::cake_diffserv4);
  EXPECT_EQ(policies[0].class_marks, MarkPair(Dscp{8}));
  EXPECT_EQ(policies[1].class_marks, MarkPair(Dscp{32}, std::nullopt))
      << "the profile has no such class";
  EXPECT_TRUE(policies[2].asks_models());
}

TEST(PolicySettings, CapsAreBytesASecond) {
  const auto policies = parse_policies(R"(
policies: [{ef_host_kbit: 800, ef_share_max: 0.01}, {ef_host_kbit: 0}, {ef_share_max: 0}]
marking: {link_mbit: 100}
)")
                            .policies;
  EXPECT_EQ(policies[0].caps.host, 100'000U);
  EXPECT_EQ(policies[0].caps.total, 125'000U);
  EXPECT_EQ(policies[1].caps.host, 0U) << "no limit";
  EXPECT_EQ(policies[1].caps.total, std::nullopt);
  EXPECT_EQ(policies[2].caps.total, 1U) << "no flow";
}

TEST(PolicySettings, MistakesAreToldWithTheirLines) {
  EXPECT_THAT(
      policy_problems(R"(policies:
  - {host: 10.0.0.1}
  - {hosts: [10.0.0.1/8]}
  - {hosts: []}
  - {ports: [0-70000, 20-10, x]}
  - {vlans: 4095}
  - {protocols: [udpp]}
  - {direction: up}
  - {class: voice}
  - {confidence: 2}
  - {map: cake}
  - {ef_host_kbit: -1, ef_share_max: 10}
)"),
      ElementsAre(
          HasSubstr(":3: policies[0].host: unknown key: did you mean \"hosts\""),
          HasSubstr(":4: policies[1].hosts[0]: value 10.0.0.1/8: expected an address range"),
          AllOf(HasSubstr(":5: policies[2].hosts"), HasSubstr("expected at least one")),
          AllOf(HasSubstr(":6: policies[3].ports[0]: value 0-70000"), HasSubstr("5060-5090")),
          HasSubstr(":6: policies[3].ports[1]: value 20-10"),
          HasSubstr(":6: policies[3].ports[2]: value x"),
          HasSubstr(":7: policies[4].vlans: value 4095: expected a VLAN 0 to 4094"),
          HasSubstr(":8: policies[5].protocols[0]: value udpp: expected a protocol (tcp"),
          HasSubstr(":9: policies[6].direction: value up"),
          AllOf(HasSubstr(":10: policies[7].class: value voice"), HasSubstr("voip")),
          HasSubstr(":11: policies[8].confidence: value 2: expected a number 0 to 1"),
          AllOf(HasSubstr(":12: policies[9].map: value cake"), HasSubstr("cake-diffserv4")),
          HasSubstr(":13: policies[10].ef_host_kbit: value -1"),
          HasSubstr(":13: policies[10].ef_share_max: value 10: expected a number 0 to 1")));
}

TEST(PolicySettings, EffectsThatContradictEachOtherAreRefused) {
  EXPECT_THAT(policy_problems(R"(policies:
  - {name: a, class: voip, mark: false}
  - {name: a, class: voip, confidence: 0.5}
  - {classify: false, confidence: 0.5}
  - {mark: false, map: wmm}
  - {classify: false, map: wmm}
  - {mark: false, ef_host_kbit: 1}
  - {classify: false, ef_share_max: 1}
)"),
              ElementsAre(HasSubstr(":3: policies[0].class: value voip: mark: false"),
                          HasSubstr(":4: policies[1].name: value a: another policy has this name"),
                          HasSubstr(":4: policies[1].confidence: value 0.5: no model is asked "
                                    "because of class"),
                          HasSubstr("because of classify: false"),
                          HasSubstr(":6: policies[3].map: value wmm: mark: false"),
                          HasSubstr(":7: policies[4].map: value wmm: no model is asked"),
                          HasSubstr(":8: policies[5].ef_host_kbit: value 1: mark: false"),
                          HasSubstr(":9: policies[6].ef_share_max: value 1: no model")));
}

TEST(PolicySettings, TheyChangeLive) {
  EXPECT_TRUE(
      needs_restart(parse_policies(""), parse_policies("policies: [{mark: false}]")).empty());
}

}  // namespace
}  // namespace flowmark
