#include "data/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() {
    folder_ =
        std::filesystem::path(testing::TempDir()) /
        ("manifest_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "calls");
  }
  ~ManifestTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& text) {
    std::ofstream(folder_ / "m.yaml") << text;
    return folder_ / "m.yaml";
  }

  std::string error_of(const std::string& text) {
    try {
      read_manifest(write(text));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

TEST_F(ManifestTest, ReadsEntries) {
  const auto sources = read_manifest(
      write("sessions:\n"
            "  - {path: calls/1.pcap, label: voip, session: 7, split: test, inside: [10.0.0.0/8], "
            "tunnels: [vxlan]}\n"
            "  - path: x.csv.gz\n"
            "    labels: {\"Google Doc\": documents, \"You*\": streaming, \"*\": ~}\n"
            "    flows: \"1-*\"\n"
            "    times: 3\n"
            "    network: {delay_ms: 3}\n"));
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].path, folder_ / "calls/1.pcap");
  EXPECT_EQ(sources[0].label, "voip");
  EXPECT_EQ(sources[0].session_of("any"), "7");
  EXPECT_EQ(sources[0].split, "test");
  EXPECT_EQ(sources[0].inside.size(), 1U);
  EXPECT_EQ(sources[0].tunnels, ParseOptions{Tunnel::vxlan});
  EXPECT_EQ(sources[1].tunnels, ParseOptions{});
  EXPECT_THAT(sources[0].where, HasSubstr("m.yaml:2"));
  EXPECT_EQ(sources[0].times, 1U);
  EXPECT_EQ(sources[1].times, 3U);
  EXPECT_FALSE(sources[1].attributes_of({"1-2", "Youtube", {}}).contains("times"));
  EXPECT_TRUE(sources[1].takes_flow("1-2"));
  EXPECT_FALSE(sources[1].takes_flow("2-1"));
  EXPECT_EQ(sources[1].class_of({"1-2", "Google Doc", {}}), "documents");
  EXPECT_EQ(sources[1].class_of({"1-2", "Youtube", {}}), "streaming");
  EXPECT_EQ(sources[1].class_of({"1-2", "else", {}}), std::nullopt);
}

TEST_F(ManifestTest, TakesTheClassFromAnotherKey) {
  const auto sources = read_manifest(
      write("sessions:\n  - {path: a.pcap, label: voip, application: phone}\n"), "application");
  EXPECT_EQ(sources[0].class_of({"f", "", {}}), "phone");
}

TEST_F(ManifestTest, ExpandsPatternsByName) {
  for (const char* name : {"b.pcap", "a.pcap", "c.txt"}) {
    std::ofstream(folder_ / "calls" / name) << "x";
  }
  const auto sources = read_manifest(write("sessions:\n  - {path: calls/*.pcap, label: voip}\n"));
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].path.filename(), "a.pcap");
  EXPECT_EQ(sources[1].path.filename(), "b.pcap");
}

TEST_F(ManifestTest, FindsSessionsInFlowNames) {
  const auto sources =
      read_manifest(write("sessions:\n  - {path: a.csv, session_pattern: \"([0-9]+)[0-9]{4}\"}\n"));
  EXPECT_EQ(sources[0].session_of("1030021"), "103");
  EXPECT_THROW(sources[0].session_of("x"), Error);
}

TEST_F(ManifestTest, NamesWhatIsWrong) {
  EXPECT_THAT(error_of("sessions: []"), HasSubstr("m.yaml:1: sessions: missing"));
  EXPECT_THAT(error_of("- 1"), HasSubstr("m.yaml:1: value a list: expected a mapping"));
  EXPECT_THAT(error_of("sessions:\n  - 1\n"), HasSubstr("m.yaml:2"));
  EXPECT_THAT(error_of("sessions:\n  - {label: a}\n"),
              HasSubstr("m.yaml:2: sessions[0].path: missing"));
  EXPECT_THAT(error_of("sessions:\n  - {path: a, split: x}\n"),
              HasSubstr("split: value x: expected one of train"));
  for (const char* bad : {"0", "101", "-1", "1.5", "twice", "2x"}) {
    EXPECT_THAT(error_of(fmt::format("sessions:\n  - {{path: a, times: {}}}\n", bad)),
                HasSubstr(fmt::format(
                    "m.yaml:2: sessions[0].times: value {}: expected a whole number", bad)));
  }
  EXPECT_THAT(error_of("sessions:\n  - {path: a, label: x, labels: {y: z}}\n"),
              HasSubstr("one of the two"));
  EXPECT_THAT(error_of("sessions:\n  - {path: a, labels: 3}\n"), HasSubstr("labels"));
  EXPECT_THAT(error_of("sessions:\n  - {path: a, session_pattern: \"(\"}\n"),
              HasSubstr("session_pattern"));
  EXPECT_THAT(error_of("sessions:\n  - {path: no*}\n"), HasSubstr("no file matches"));
  EXPECT_THAT(error_of("sessions:\n  - {path: a, inside: [10.0.0/8]}\n"), HasSubstr("10.0.0/8"));
  EXPECT_THAT(error_of("sessions:\n  - {path: a, tunnels: [vxlam]}\n"), HasSubstr("vxlam"));
  EXPECT_THAT(error_of("sessions: [\n"), HasSubstr("not YAML"));
  EXPECT_THROW(read_manifest(folder_ / "none.yaml"), Error);
}

TEST_F(ManifestTest, TellsAllProblemsAtOnce) {
  const std::string error =
      error_of("sessions:\n- {path: a, splti: test}\n- label: b\n- {path: c, times: 0}\nmore: 1\n");
  EXPECT_THAT(error,
              HasSubstr("m.yaml:2: sessions[0].splti: unknown key: did you mean \"split\"?"));
  EXPECT_THAT(error, HasSubstr("m.yaml:3: sessions[1].path: missing"));
  EXPECT_THAT(error, HasSubstr("m.yaml:4: sessions[2].times: value 0"));
  EXPECT_THAT(error, HasSubstr("m.yaml:5: more: unknown key"));
  EXPECT_THAT(error_of("sessions:\n- {path: a*}\n- {path: b*}\n"),
              testing::AllOf(HasSubstr("m.yaml:2: path"), HasSubstr("m.yaml:3: path")));
}

TEST_F(ManifestTest, KeysOfItsOwnStayKeys) {
  const auto sources = read_manifest(write(
      "sessions:\n- {path: a, site: home, seconds: 3, label: ~, network: {x: 1}, split: ~}\n"));
  EXPECT_EQ(sources[0].attributes, (std::map<std::string, std::string>{
                                       {"path", "a"}, {"seconds", "3"}, {"site", "home"}}));
  EXPECT_THAT(error_of("sessions:\n- {path: a, site: home, site: work}\n"),
              HasSubstr("sessions[0].site: given twice"));
}

TEST_F(ManifestTest, AFileAloneGoesByItsOwnLabels) {
  const auto sources = collect_sources({"x.csv.gz"});
  ASSERT_EQ(sources.size(), 1U);
  EXPECT_EQ(sources[0].class_of({"1", "Doc", {}}), "Doc");
  EXPECT_THROW(sources[0].class_of({"1", "", {}}), Error);
}

TEST_F(ManifestTest, FilesUnderTheDataRootMayBeAbsent) {
  std::ofstream(folder_ / "calls" / "1.csv") << "";
  const auto path = write(
      "sessions:\n- {path: own.csv}\n- {path: \"${data_root}/1.csv\"}\n"
      "- {path: \"${data_root}/2.csv\"}\n- {path: \"${data_root}/sub/*.csv\"}\n");
  const SourceList list = find_manifest_sources(path, {"label", folder_ / "calls"});
  ASSERT_EQ(list.sources.size(), 2U);
  EXPECT_EQ(list.sources[0].path, folder_ / "own.csv");
  EXPECT_EQ(list.sources[1].path, folder_ / "calls" / "1.csv");
  EXPECT_THAT(list.absent, ElementsAre(HasSubstr("m.yaml:4: "), HasSubstr("m.yaml:5: ")));
  EXPECT_THAT(list.absent[0], HasSubstr("calls/2.csv: left out: not there"));

  const SourceList unknown = find_sources({path.string()}, {});
  EXPECT_EQ(unknown.sources.size(), 1U);
  EXPECT_EQ(unknown.absent.size(), 3U);
  EXPECT_THAT(unknown.absent[0], HasSubstr("--data-root"));
  EXPECT_THROW(read_manifest(path), Error);
}

TEST_F(ManifestTest, ASourceIsMadeOfWhatIsKnownOfTheFlow) {
  const auto sources = read_manifest(
      write("sessions:\n- {path: a, source: \"lab/{technique}/{site}\", site: home}\n"));
  RecordedFlow flow;
  flow.name = "7";
  flow.attributes["technique"] = "tor";
  EXPECT_EQ(sources[0].attributes_of(flow).at("source"), "lab/tor/home");
  flow.attributes.clear();
  EXPECT_THAT([&] { sources[0].attributes_of(flow); },
              testing::ThrowsMessage<Error>(HasSubstr("flow 7 has no key 'technique'")));
}

}  // namespace
}  // namespace flowmark
