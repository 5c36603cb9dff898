#include "settings/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace flowmark {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kPorts = R"(
ports:
  - {name: "net_null0", role: lan}
  - {name: "net_null1", role: wan}
)";

Settings parse(const std::string& text) {
  return parse_settings(text, "/etc/flowmark/test.yaml");
}

std::vector<std::string> problems(const std::string& text) {
  try {
    parse(text);
  } catch (const SettingsError& error) {
    return error.problems();
  }
  return {};
}

TEST(Settings, DefaultsAreThoseOfTheDesign) {
  const Settings settings = parse(kPorts);
  EXPECT_EQ(settings.mode, RunMode::inline_ports);
  EXPECT_EQ(settings.worker_count, 1u);
  EXPECT_EQ(settings.metrics_listen, "127.0.0.1:9477");
  EXPECT_EQ(settings.inference.slice_us, 5u);
  EXPECT_DOUBLE_EQ(settings.inference.busy_share, 0.1);
  EXPECT_EQ(settings.marking.mode, MarkMode::always);
  const auto& classes = settings.marking.classes;
  EXPECT_EQ(classes.size(), 9u);
  EXPECT_EQ(classes.at("voip"), Dscp{46});
  EXPECT_EQ(classes.at("video-call"), Dscp{34});
  EXPECT_EQ(classes.at("gaming"), Dscp{32});
  EXPECT_EQ(classes.at("streaming"), Dscp{26});
  EXPECT_EQ(classes.at("remote-desktop"), Dscp{18});
  EXPECT_EQ(classes.at("chat"), Dscp{18});
  EXPECT_EQ(classes.at("browsing"), Dscp{0});
  EXPECT_EQ(classes.at("file-transfer"), Dscp{10});
  EXPECT_EQ(classes.at("p2p"), Dscp{1});
}

TEST(Settings, AMemoryBudgetStandsInForCapacityAndWindowMemory) {
  const std::string budget = std::string(kPorts) + "flows: {budget_mb: 1536}\n";
  EXPECT_EQ(parse(budget).flows.budget_mb, 1536u);
  EXPECT_THAT(problems(std::string(kPorts) + "flows: {budget_mb: 1536, capacity: 1000}\n"),
              ElementsAre(HasSubstr("flows.capacity: value 1000: follows from flows.budget_mb")));
  EXPECT_THAT(problems(std::string(kPorts) + "flows: {budget_mb: 0, capacity: 1000}\n"), IsEmpty());
}

TEST(Settings, EveryKeyOfTheReferenceIsKnownAndItsValuesAreTheDefaults) {
  const Settings reference =
      load_settings(std::filesystem::path(FLOWMARK_SOURCE_DIR) / "config/flowmark.yaml");
  Settings defaults = parse(kPorts);
  defaults.ports = reference.ports;
  EXPECT_THAT(needs_restart(defaults, reference), IsEmpty());
  EXPECT_EQ(reference.marking.classes, defaults.marking.classes);
  ASSERT_EQ(reference.models.size(), 1u);
  const VerdictPolicy& policy = reference.models[0].policy;
  const VerdictPolicy expected;
  EXPECT_EQ(policy.min_packets, expected.min_packets);
  EXPECT_EQ(policy.min_us, expected.min_us);
  EXPECT_EQ(policy.hop_packets, expected.hop_packets);
  EXPECT_EQ(policy.hop_us, expected.hop_us);
  EXPECT_EQ(policy.votes, expected.votes);
  EXPECT_FLOAT_EQ(policy.confidence, expected.confidence);
  EXPECT_FLOAT_EQ(policy.hysteresis, expected.hysteresis);
}

TEST(Settings, TheOpenSetRuleIsFollowedUnlessThePolicySaysNo) {
  const std::string model = "models: [{name: a, path: x";
  EXPECT_TRUE(parse(kPorts + model + "}]\n").models[0].policy.open_set);
  EXPECT_FALSE(parse(kPorts + model + ", policy: {open_set: false}}]\n").models[0].policy.open_set);
}

TEST(Settings, TheOtherConfigurationsLoad) {
  const std::filesystem::path folder = std::filesystem::path(FLOWMARK_SOURCE_DIR) / "config";
  EXPECT_EQ(load_settings(folder / "minimal.yaml").ports.size(), 2u);
  const Settings replay = load_settings(folder / "replay.yaml");
  EXPECT_EQ(replay.mode, RunMode::replay);
  ASSERT_EQ(replay.models.size(), 1u);
  EXPECT_EQ(replay.models[0].path, folder / "models/category.onnx");
}

TEST(Settings, AllProblemsAreToldAtOnceInTheOrderOfTheirLines) {
  EXPECT_THAT(problems(R"(mode: inlin
ports:
  - {name: net_null0, role: lan}
  - {name: net_null1, role: wann}
flows:
  capcity: 10
  memory_mb: lots
  idle_seconds: 0
workers: -1
marking:
  classes: {voip: EF9}
  mode: report
  mode: always
)"),
              ElementsAre("/etc/flowmark/test.yaml:1: mode: value inlin: did you mean \"inline\"? "
                          "Expected one of inline, mirror, replay",
                          "/etc/flowmark/test.yaml:4: ports[1].role: value wann: did you mean "
                          "\"wan\"? Expected one of lan, wan",
                          "/etc/flowmark/test.yaml:6: flows.capcity: unknown key: did you mean "
                          "\"capacity\"?",
                          "/etc/flowmark/test.yaml:7: flows.memory_mb: value lots: expected a "
                          "whole number 1 to 1048576",
                          "/etc/flowmark/test.yaml:8: flows.idle_seconds: value 0: expected a "
                          "whole number 1 to 3600",
                          "/etc/flowmark/test.yaml:9: workers: value -1: expected a whole number 1 "
                          "to 64",
                          "/etc/flowmark/test.yaml:11: marking.classes.voip: value EF9: expected a "
                          "DSCP name (EF, AF41, CS1, LE, DF, ...), 0 to 63, or keep",
                          "/etc/flowmark/test.yaml:13: marking.mode: given twice: keep one of "
                          "them"));
}

struct BadValue {
  const char* text;
  const char* expected;
};

class BadValues : public testing::TestWithParam<BadValue> {};

TEST_P(BadValues, AreRefusedWithPlaceValueAndWhatWouldBeRight) {
  const auto found = problems(std::string(kPorts) + GetParam().text);
  ASSERT_EQ(found.size(), 1u) << testing::PrintToString(found);
  EXPECT_THAT(found[0], HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    Settings, BadValues,
    testing::Values(
        BadValue{"workers: [0, 0]", ":5: workers[1]: value 0: the core is in the list already"},
        BadValue{"workers: []", "workers: value a list: expected 1 to 64 cores"},
        BadValue{"flows: {young_packets: 3}", "expected a whole number 1 to 2"},
        BadValue{"inside: [10.0.0.0/33]",
                 "inside[0]: value 10.0.0.0/33: expected an address range"},
        BadValue{"host_groups: [10.0.0.0/8]", "host_groups: value a list: expected"},
        BadValue{"host_groups: {a b: [10.0.0.0/8]}", "expected a name of at most 63 letters"},
        BadValue{"host_groups: {office: [10.0.0.0/33]}",
                 "host_groups.office[0]: value 10.0.0.0/33: expected an address range"},
        BadValue{"host_groups: {a: [], b: [], c: [], d: [], e: [], f: [], g: [], h: [], i: []}",
                 "expected at most 8 groups of hosts"},
        BadValue{"tunnels: [vxlam]", "tunnels[0]: value vxlam: did you mean \"vxlan\"?"},
        BadValue{"metrics: {listen: localhost}",
                 "metrics.listen: value localhost: expected address:port"},
        BadValue{"metrics: {listen: \"a:70000\"}", "expected address:port"},
        BadValue{"marking: {ef_flow_kbit: 10000001}", "expected a whole number 0 to 10000000"},
        BadValue{"marking: {hold_seconds: 0}", "expected a whole number 1 to 3600"},
        BadValue{"marking: {fallback: AF41}",
                 "marking.fallback: value AF41: expected a mark below"},
        BadValue{"marking: {fallback: none}", "value none: expected a DSCP name"},
        BadValue{"marking: {ef_share_max: nan}", "expected a number 0 to 1"},
        BadValue{"trusted_keys: [abc]",
                 "trusted_keys[0]: value abc: expected an Ed25519 public key"},
        BadValue{"models: [{path: a.onnx}]", "models[0].name: missing"},
        BadValue{"models: [{name: a}]", "models[0].path: missing"},
        BadValue{"models: [{name: a b, path: x}]", "models[0].name: value a b: expected a name"},
        BadValue{"models: [{name: a, path: x}, {name: a, path: y}]", "another model has this name"},
        BadValue{"models: [{name: a, path: x, when: {model: b, classes: [c]}}]",
                 "models[0].when.model: value b: expected the name of a model further up"},
        BadValue{"models: [{name: a, path: x}, {name: b, path: y, when: {model: a}}]",
                 "models[1].when.classes: missing: a list of its classes, or below or above"},
        BadValue{"models: [{name: a, path: x}, {name: b, path: y, when: {model: a, classes: [], "
                 "below: 0.8}}]",
                 "models[1].when.classes: missing"},
        BadValue{"models: [{name: a, path: x}, {name: b, path: y, when: {model: a, below: 80}}]",
                 "models[1].when.below: value 80: expected a number 0 to 1"},
        BadValue{"models: [{name: a, path: x}, {name: b, path: y, when: {model: a, above: -1}}]",
                 "models[1].when.above: value -1: expected a number 0 to 1"},
        BadValue{"models: [{name: a, path: x}, {name: b, path: y, when: {model: a, below: 0.5, "
                 "above: 0.5}}]",
                 "models[1].when.below: value 0.5: expected more than `above`"},
        BadValue{"models: [{name: a, path: x, policy: {confidence: 1.5}}]",
                 "models[0].policy.confidence: value 1.5: expected a number 0 to 1"},
        BadValue{"models: [{name: a, path: x, precision: half}]",
                 "models[0].precision: value half: expected one of exact, bf16"},
        BadValue{"log: {level: loud}", "log.level: value loud: expected one of trace"},
        BadValue{"frobnicate: 1", ":5: frobnicate: unknown key: known here: mode, ports"}));

TEST(Settings, AModelMayWaitForTheConfidenceOfAnother) {
  const Settings settings = parse(std::string(kPorts) + R"(
models:
- {name: small, path: a}
- {name: large, path: b, when: {model: small, below: 0.8}}
- {name: third, path: c, when: {model: large, classes: [p2p], above: 0.5, below: 0.9}}
)");
  WhenSettings large;
  large.model = "small";
  large.below = 0.8F;
  EXPECT_EQ(settings.models[1].when, large);
  WhenSettings third;
  third.model = "large";
  third.classes = {"p2p"};
  third.below = 0.9F;
  third.above = 0.5F;
  EXPECT_EQ(settings.models[2].when, third);
}

TEST(Settings, PortsMustFitTheMode) {
  EXPECT_THAT(problems("mode: inline"), ElementsAre(HasSubstr("mode inline needs 2")));
  EXPECT_THAT(problems(std::string("mode: mirror") + kPorts),
              ElementsAre(HasSubstr("2 given: mode mirror needs 1")));
  EXPECT_THAT(problems("mode: replay"), IsEmpty());
  EXPECT_THAT(problems("ports: [{name: a, role: lan}, {name: b, role: lan}]"),
              ElementsAre(HasSubstr(":1: ports: both have role lan: one is lan, the other wan")));
  EXPECT_THAT(
      problems("ports: [{name: net_null0, role: lan}, {name: \"net_null0,x=1\", role: wan}]"),
      ElementsAre(HasSubstr("ports[1].name: value \"net_null0,x=1\": another port")));
  EXPECT_THAT(
      problems("ports: [{name: a}, {role: wan}]"),
      ElementsAre(HasSubstr("ports[0].role: missing"), HasSubstr("ports[1].name: missing")));
}

TEST(Settings, AnEmptyItemLacksEverything) {
  EXPECT_THAT(
      problems(std::string(kPorts) + "models:\n  -\n"),
      ElementsAre(HasSubstr("models[0].name: missing"), HasSubstr("models[0].path: missing")));
}

TEST(Settings, PathsAreRelativeToTheFile) {
  const Settings settings = parse(std::string(kPorts) + R"(
models: [{name: a, path: models/a.onnx}, {name: b, path: /srv/b.onnx}]
log: {file: ../log/flowmark.log}
control: {socket: ""}
)");
  EXPECT_EQ(settings.models[0].path, "/etc/flowmark/models/a.onnx");
  EXPECT_EQ(settings.models[1].path, "/srv/b.onnx");
  EXPECT_EQ(settings.log.file, "/etc/log/flowmark.log");
  EXPECT_TRUE(settings.control_socket.empty());
}

TEST(Settings, ClassesExtendTheDefaults) {
  const Settings settings =
      parse(std::string(kPorts) + "marking: {classes: {voip: keep, games: cs4, p2p: 8}}");
  EXPECT_EQ(settings.marking.classes.at("voip"), std::nullopt);
  EXPECT_EQ(settings.marking.classes.at("games"), Dscp{32});
  EXPECT_EQ(settings.marking.classes.at("p2p"), Dscp{8});
  EXPECT_EQ(settings.marking.classes.at("chat"), Dscp{18});
}

TEST(Settings, AProfileGivesAllClassesTheirMarksAndSingleOnesReplaceThem) {
  const MarkingSettings marking =
      parse(std::string(kPorts) +
            "marking: {classes: {voip: VA, games: CS4}, profile: cake-diffserv4}")
          .marking;
  ClassMarks expected = marks_of(MarkProfile::cake_diffserv4);
  expected["voip"] = Dscp{44};
  expected["games"] = Dscp{32};
  EXPECT_EQ(marking.classes, expected);
  EXPECT_EQ(marking.lan_classes, expected) << "the same towards LAN";
}

TEST(Settings, TowardsLanOtherProfilesAndClassesHold) {
  const std::string base = std::string(kPorts) + "marking: {profile: two-level, classes: {p2p: LE}";
  const auto lan_of = [&](const std::string& lan) {
    return parse(base + ", towards_lan: {" + lan + "}}").marking.lan_classes;
  };
  EXPECT_EQ(lan_of("profile: wmm"), marks_of(MarkProfile::wmm));
  ClassMarks chat_kept = overlaid(marks_of(MarkProfile::two_level), {{"p2p", Dscp{1}}});
  chat_kept["chat"] = std::nullopt;
  EXPECT_EQ(lan_of("classes: {chat: keep}"), chat_kept);
  EXPECT_EQ(parse(base + ", towards_lan: {profile: wmm}}").marking.classes.at("p2p"), Dscp{1});
}

TEST(Settings, WashTrustAndPcpAreSetLive) {
  const Settings wanted = parse(std::string(kPorts) + R"(
marking: {mode: unmarked, wash: CS1, pcp: true, trust: [192.168.1.20, 2001:db8::/32], fallback: LE}
)");
  EXPECT_EQ(wanted.marking.wash, Dscp{8});
  EXPECT_TRUE(wanted.marking.pcp);
  EXPECT_EQ(wanted.marking.trust,
            (std::vector{Prefix::parse("192.168.1.20"), Prefix::parse("2001:db8::/32")}));
  EXPECT_THAT(needs_restart(parse(kPorts), wanted), IsEmpty());
}

TEST(Settings, WrongMarksAndProfilesAreNamedWithWhatWouldBeRight) {
  EXPECT_THAT(
      problems(std::string(kPorts) + R"(
marking:
  profile: cake
  wash: EF
  towards_lan: {profile: wmmm, classes: {voip: EF9}}
  trust: [10.0.0.1/8]
)"),
      ElementsAre(
          AllOf(HasSubstr(":7: marking.profile: value cake"), HasSubstr("cake-diffserv4")),
          HasSubstr("marking.wash: value EF: expected a mark below CS4"),
          AllOf(HasSubstr("marking.towards_lan.profile: value wmmm"), HasSubstr("two-level")),
          HasSubstr("marking.towards_lan.classes.voip: value EF9"),
          HasSubstr("marking.trust[0]: value 10.0.0.1/8: expected an address")));
}

TEST(Settings, EveryTunnelHasItsWord) {
  const auto tunnels = [](const std::string& list) {
    return parse(std::string(kPorts) + "tunnels: [" + list + "]\n").tunnels;
  };
  EXPECT_EQ(tunnels(""), ParseOptions{});
  EXPECT_EQ(tunnels("erspan"), ParseOptions{Tunnel::erspan});
  EXPECT_EQ(
      tunnels("vxlan, gre, geneve, gtpu, ipip, erspan, tzsp, teredo, gue, mpls, l2tp, etherip"),
      ParseOptions::all_tunnels());
}

TEST(Settings, TellsWhatNeedsARestart) {
  const Settings running = parse(kPorts);
  const Settings wanted = parse(std::string(kPorts) + R"(
workers: 2
models: [{name: a, path: b}]
marking: {mode: report, classes: {voip: keep}}
log: {level: debug}
)");
  EXPECT_THAT(needs_restart(running, wanted), ElementsAre("workers"));
}

TEST(Settings, GroupsOfHostsAreReadInTheirOrderAndNeedARestart) {
  const Settings wanted = parse(std::string(kPorts) + R"(
host_groups: {office: [10.1.0.0/16, 2001:db8::/32], all: [0.0.0.0/0]}
)");
  const std::vector<HostGroup> groups{
      {"office", {Prefix::parse("10.1.0.0/16"), Prefix::parse("2001:db8::/32")}},
      {"all", {Prefix::parse("0.0.0.0/0")}}};
  EXPECT_EQ(wanted.host_groups, groups);
  EXPECT_THAT(needs_restart(parse(kPorts), wanted), ElementsAre("host_groups"));
}

TEST(Settings, LimitsOfLiveMarksAreSetAndNeedARestart) {
  const MarkingSettings defaults = parse(kPorts).marking;
  EXPECT_EQ(defaults.fallback, dscp::kDefault);
  const Settings wanted = parse(std::string(kPorts) + R"(
marking: {ef_share_max: 0.2, link_mbit: 50, ef_flow_kbit: 500, ef_host_kbit: 1000,
  af4_flow_kbit: 4000, hold_seconds: 30, fallback: keep}
)");
  EXPECT_EQ(wanted.marking.ef_flow_kbit, 500U);
  EXPECT_EQ(wanted.marking.ef_host_kbit, 1000U);
  EXPECT_EQ(wanted.marking.af4_flow_kbit, 4000U);
  EXPECT_EQ(wanted.marking.hold_seconds, 30U);
  EXPECT_EQ(wanted.marking.fallback, std::nullopt);
  EXPECT_THAT(needs_restart(parse(kPorts), wanted),
              ElementsAre("marking.ef_share_max", "marking.link_mbit", "marking.ef_flow_kbit",
                          "marking.ef_host_kbit", "marking.af4_flow_kbit", "marking.hold_seconds"));
}

TEST(Settings, FileProblemsNameTheFile) {
  try {
    load_settings("/nonexistent/flowmark.yaml");
    FAIL();
  } catch (const SettingsError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("/nonexistent/flowmark.yaml: cannot be read: No such file"));
  }
  EXPECT_THROW(load_settings("/"), SettingsError);
}

}  // namespace
}  // namespace flowmark
