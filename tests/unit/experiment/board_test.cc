#include "experiment/board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/keyed_random.h"
#include "capture/sequence_file.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Calls, films and transfers from four places. Gaps tell the class, but for every fourth flow,
/// which has those of the next class. Sizes tell the place, and most flows of the first three
/// places are of one class. The fourth place has the sizes of all.
class BoardTest : public testing::Test {
 protected:
  BoardTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    std::string text;
    for (uint32_t place = 0; place < 4; ++place) {
      for (uint32_t kind = 0; kind < 3; ++kind) {
        const uint32_t flows = place < 3 ? (kind == place ? 40 : 6) : 10;
        for (uint32_t n = 0; n < flows; ++n) add_flow(place, kind, n, text);
      }
    }
    std::ofstream(folder_ / "flows.csv") << text;
    options_.spec = FeatureSpec::from_json(
        R"({"kind":"size_iat","window_packets":40,"size":{"bins":12,"min":40,"max":1500},)"
        R"("iat_us":{"bins":4,"min":1000,"max":1000000},"values":"log1p"})",
        "test");
    options_.learners.set("trees", "15");
    options_.max_windows = 300;
    write_manifest("leave_out_by: ~");
  }
  ~BoardTest() override { std::filesystem::remove_all(folder_); }

  static void add_flow(uint32_t place, uint32_t kind, uint32_t number, std::string& text) {
    static const char* const kKinds[] = {"voip", "streaming", "file-transfer"};
    const KeyedRandom random(place * 1000 + kind * 100 + number);
    RecordedFlow flow;
    flow.name = fmt::format("{}-{}-{}", place, kind, number);
    flow.label = kKinds[kind];
    flow.attributes["place"] = std::string(1, static_cast<char>('a' + place));
    flow.attributes["network"] = number % 2 == 0 ? "lte" : "wifi";
    TimeUs time = 1'000'000;
    for (uint32_t i = 0; i < 60; ++i) {
      FlowPacket packet;
      packet.time_us = time;
      packet.direction = random.uniform(3 * i) < 0.5 ? Direction::up : Direction::down;
      const double like = place < 3 ? place : std::floor(3 * random.uniform(1000 + i));
      packet.size = static_cast<uint16_t>(100 + 250 * like + 150 * random.uniform(3 * i + 1));
      constexpr double kGapUs[] = {200'000, 20'000, 2'000};
      const uint32_t gap = number % 4 == 3 ? (kind + 1) % 3 : kind;
      time += static_cast<TimeUs>(kGapUs[gap] * (0.5 + random.uniform(3 * i + 2)));
      flow.packets.push_back(packet);
    }
    append_sequence(flow, text);
  }

  void write_manifest(const std::string& more) {
    std::ofstream(folder_ / "all.yaml")
        << "sessions:\n- {path: flows.csv, source: \"house/{place}\", " << more << "}\n";
  }
  BoardData load() const { return load_board_data(read_manifest(folder_ / "all.yaml"), options_); }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("board_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  BoardOptions options_;
};

std::vector<std::string> ids(const std::vector<BoardUnit>& units) {
  std::vector<std::string> all;
  for (const BoardUnit& unit : units) all.push_back(unit.id());
  return all;
}

TEST_F(BoardTest, LeavesOutSourcesOrWhatASourceVaries) {
  EXPECT_THAT(ids(board_units(load().examples)),
              ElementsAre("sources/source/house/a", "sources/source/house/b",
                          "sources/source/house/c", "sources/source/house/d"));
  write_manifest("leave_out_by: network place colour");
  EXPECT_THAT(ids(board_units(load().examples)),
              ElementsAre("sources/house network/lte", "sources/house network/wifi",
                          "sources/house place/a", "sources/house place/b", "sources/house place/c",
                          "sources/house place/d"));
}

TEST_F(BoardTest, DrawsFlowsAndWindows) {
  options_.max_flows = 5;
  options_.flow_windows = 1;
  const BoardData data = load();
  EXPECT_EQ(data.examples.flows.size(), 4U * 3 * 5);
  uint32_t full = 0;
  for (size_t row = 0; row < data.examples.size(); ++row) {
    full += data.examples.info(row).prefix == ExampleInfo::kTile ? 1 : 0;
  }
  EXPECT_EQ(full, data.examples.flows.size());
  EXPECT_EQ(data.examples.prefixes.at(data.early).packets, kEarlyPackets);
}

TEST_F(BoardTest, JudgesByTheLeftOutFlowsOnly) {
  const BoardData data = load();
  const BoardUnit unit = board_units(data.examples)[3];
  const BoardResult result = run_board_unit(data, unit, options_);
  EXPECT_EQ(result.flows, 30U);
  EXPECT_THAT(result.classes, ElementsAre("file-transfer", "streaming", "voip"));
  uint64_t judged = 0;
  for (const uint64_t count : result.whole.confusion) judged += count;
  EXPECT_EQ(judged, 30U);
  EXPECT_GT(balanced_by_class(result, result.whole), 0.6);
  EXPECT_GT(balanced_by_class(result, result.whole_neighbours), 0.5);
  // The same figures again, from the file's form.
  const BoardResult again = BoardResult::from_json(result.to_json());
  EXPECT_EQ(again.to_json(), result.to_json());
}

TEST_F(BoardTest, BalancingKeepsSourcesFromBeingLearntAsClasses) {
  const BoardData data = load();
  // Another class than the rest of the place's flows: what the place alone would say is wrong.
  BoardUnit rare{"rare", "flows", {}};
  for (uint32_t f = 0; f < data.examples.flows.size(); ++f) {
    const std::string& name = data.examples.flows[f].name;
    const bool in_three = name[0] != '3' && name[0] != name[2];
    if (in_three && name[4] - '0' >= 3) rare.flows.push_back(f);
  }
  ASSERT_EQ(rare.flows.size(), 18U);
  const BoardResult balanced = run_board_unit(data, rare, options_);
  options_.balance_by.clear();
  const BoardResult plain = run_board_unit(data, rare, options_);
  EXPECT_GT(balanced_by_class(balanced, balanced.whole),
            balanced_by_class(plain, plain.whole) + 0.1);
}

TEST_F(BoardTest, ValidationMayTakeWholeSources) {
  const BoardData data = load();
  const BoardUnit unit = board_units(data.examples)[3];
  options_.validation = 0.5;
  const BoardResult by_session = run_board_unit(data, unit, options_);
  options_.validate_by_source = true;
  const BoardResult by_source = run_board_unit(data, unit, options_);
  EXPECT_NE(by_source.confidence, by_session.confidence);
  EXPECT_EQ(by_source.flows, by_session.flows);
  // A single source would be left for each class, all the same.
  options_.validation = 1;
  EXPECT_EQ(run_board_unit(data, unit, options_).lacks, "");
}

TEST_F(BoardTest, ClassesThatNothingElseTeachesAreSaid) {
  BoardData data = load();
  BoardUnit calls{"class", "voip", {}};
  for (uint32_t f = 0; f < data.examples.flows.size(); ++f) {
    if (data.examples.flows[f].name[2] == '0') calls.flows.push_back(f);
  }
  const BoardResult result = run_board_unit(data, calls, options_);
  EXPECT_EQ(result.lacks, "nothing else to learn from: voip");
  EXPECT_THAT(board_markdown({result}), HasSubstr("voip: not judged: nothing else"));
  EXPECT_EQ(board_plot({result}), "");
}

TEST_F(BoardTest, GoesOnFromFinishedCellsOfTheSameOptions) {
  const BoardData data = load();
  std::vector<bool> kept;
  BoardHooks hooks;
  hooks.after = [&](const BoardResult&, bool was_kept) { kept.push_back(was_kept); };
  run_board(data, options_, folder_ / "out", {"source/house/a"}, hooks);
  const auto all = run_board(data, options_, folder_ / "out", {}, hooks);
  EXPECT_THAT(kept, ElementsAre(false, true, false, false, false));
  kept.clear();
  std::ofstream(folder_ / "out" / "cells" / "sources.source.house.b.json") << "{";
  EXPECT_EQ(board_json(run_board(data, options_, folder_ / "out", {}, hooks), "")["axes"],
            board_json(all, "")["axes"]);
  EXPECT_THAT(kept, ElementsAre(true, false, true, true));
  kept.clear();
  options_.learners.set("min-leaf", "2");
  run_board(data, options_, folder_ / "out", {"source/house/a"}, hooks);
  EXPECT_THAT(kept, ElementsAre(false));
  EXPECT_THROW(run_board(data, options_, folder_ / "out", {"nowhere"}), Error);
}

/// Two sources: calls of which half are taken for films, and films of which one is taken for a
/// call.
std::vector<BoardResult> two_results() {
  BoardResult result;
  result.axis = "source";
  result.value = "office";
  result.classes = {"chat", "browsing", "voip", "streaming"};
  result.flows = 4;
  result.whole.confusion = {0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0};
  result.whole.answered = 0.5;
  result.whole.answered_accuracy = 0.25;
  result.early = result.early_neighbours = result.whole_neighbours = result.whole;
  result.calls = {2, 2, 200, 200};
  BoardResult other = result;
  other.value = "home";
  other.whole.confusion = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3};
  other.whole.answered = 0;
  other.whole.answered_accuracy = 0;
  other.calls = {1, 0, 100, 0};
  return {result, other};
}

TEST(BoardFigures, CountTheClassesThatAreThereOnly) {
  const auto results = two_results();
  EXPECT_DOUBLE_EQ(balanced_by_class(results[0], results[0].whole), 0.25);
  EXPECT_DOUBLE_EQ(balanced_by_treatment(results[0], results[0].whole), 0.75);
  EXPECT_DOUBLE_EQ(balanced_by_class(results[1], results[1].whole), 0.75);
}

TEST(BoardFigures, TreatmentsAreFourAndOthersTheirOwn) {
  EXPECT_EQ(treatment_of("voip"), treatment_of("video-call"));
  EXPECT_EQ(treatment_of("browsing"), treatment_of("chat"));
  EXPECT_EQ(treatment_of("file-transfer"), treatment_of("p2p"));
  EXPECT_NE(treatment_of("streaming"), treatment_of("voip"));
  EXPECT_EQ(treatment_of("gaming"), "live");
  EXPECT_EQ(treatment_of("other"), "other");
}

TEST(BoardFigures, AreInTheTableWithTheirMean) {
  const std::string table = board_markdown(two_results());
  EXPECT_THAT(table, HasSubstr("| office | chat 4, voip 4 |"));
  EXPECT_THAT(table, HasSubstr("| home | streaming 4 |"));
  EXPECT_THAT(table, HasSubstr("| mean | 2 left out in turn |"));
  EXPECT_THAT(table, HasSubstr("| 50.0 / 25.0 | 75.0 / 75.0 |"));
  // Where nothing is answered nothing is right or wrong; calls of both sources: 2 of 3 right.
  EXPECT_THAT(table, HasSubstr("| 25.0 | 25.0 | 66.7 | 66.7 |"));
  EXPECT_THAT(table, HasSubstr("| 0.0 | none | 0.0 | 0.0 |"));
}

TEST(BoardFigures, ArePlottedWithChance) {
  const std::string plot = board_plot(two_results());
  EXPECT_THAT(plot, HasSubstr("office: model, whole flow 25.0%"));
  EXPECT_THAT(plot, HasSubstr("Chance: 25.0%."));
  EXPECT_THAT(board_report(two_results(), "made").html(), HasSubstr("Left out: source"));
}

}  // namespace
}  // namespace flowmark
