#include "experiment/experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "experiment/run.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "unit/data/made_recordings.h"

namespace flowmark {
namespace {

using ::testing::HasSubstr;

/// A folder of its own for each test, emptied before.
std::filesystem::path folder() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const auto path = std::filesystem::temp_directory_path() /
                    fmt::format("flowmark-{}-{}", test->test_suite_name(), test->name());
  std::filesystem::remove_all(path);
  return path;
}

ExperimentOptions small() {
  ExperimentOptions options;
  make_quick(options);
  options.max_windows = 40;
  options.learners.set("trees", "10");
  options.mixtures = 40;
  return options;
}

std::map<std::string, CellResult> by_id(const std::vector<CellResult>& results) {
  std::map<std::string, CellResult> map;
  for (const CellResult& result : results) map[result.id] = result;
  return map;
}

TEST(Techniques, AreThePapers) {
  EXPECT_EQ(technique_of(""), "plain");
  EXPECT_EQ(technique_of("nonvpn"), "plain");
  EXPECT_EQ(technique_of("Plain"), "plain");
  EXPECT_EQ(technique_of("Tor"), "tor");
  EXPECT_EQ(technique_of("openvpn-tcp"), "vpn");
  EXPECT_EQ(technique_of("WireGuard"), "vpn");
}

TEST(Plans, HaveThePapersCells) {
  const ExperimentData data = made_data();
  const ExperimentPlan leroux = leroux_plan(data, {});
  std::set<std::string> ids;
  for (const ExperimentPlan& plan : {leroux, flowpic_plan(data, {})}) {
    for (const ExperimentCell& cell : plan.cells) {
      EXPECT_TRUE(ids.insert(cell.id).second) << cell.id << " is there twice";
      EXPECT_NO_THROW(cell.spec.check(cell.id));
      EXPECT_TRUE(!cell.published || (*cell.published > 0 && *cell.published <= 1)) << cell.id;
    }
    for (const ExperimentSummary& summary : plan.summaries) {
      for (const std::string& id : summary.cells) EXPECT_EQ(ids.count(id), 1U) << id;
    }
  }
  EXPECT_EQ(std::count_if(ids.begin(), ids.end(),
                          [](const std::string& id) {
                            return id.find("/size_iat/") != std::string::npos ||
                                   id.find("/burst_surge/") != std::string::npos ||
                                   id.find("/combined/") != std::string::npos;
                          }),
            27);
  for (const char* id :
       {"leroux/background/300/forest", "leroux/multi-label/vpn/forest", "flowpic/category/tor",
        "flowpic/technique", "flowpic/vs-all/voip/plain-vpn", "flowpic/vs-all/browsing/tor-tor",
        "flowpic/unknown/chat-a", "flowpic/pixels/32", "flowpic/block/120",
        "flowpic/values/binary"}) {
    EXPECT_EQ(ids.count(id), 1U) << id;
  }
}

TEST(Leroux, LearnsWhatCanBeToldApart) {
  const ExperimentData data = made_data();
  const auto results = by_id(run_experiment(leroux_plan(data, {}), data, small(), folder(),
                                            {"plain/*", "multi-label/vpn/*", "background/*"}));
  for (const auto& [id, result] : results) {
    ASSERT_EQ(result.lacks, "") << id;
    EXPECT_LE(result.low, result.high) << id;
    EXPECT_GT(result.test_windows, 0U) << id;
  }
  for (const char* learner : {"naive-bayes", "logistic", "forest"}) {
    EXPECT_GT(results.at(fmt::format("leroux/plain/size_iat/{}", learner)).balanced, 0.95);
    EXPECT_GT(results.at(fmt::format("leroux/plain/combined/{}", learner)).balanced, 0.95);
  }
  EXPECT_GT(results.at("leroux/multi-label/vpn/forest").accuracy, 0.7);
  EXPECT_LT(results.at("leroux/multi-label/vpn/forest").hamming, 0.15);
}

TEST(FlowPic, LearnsCategoriesTechniquesAndUnknownApplications) {
  const ExperimentData data = made_data();
  PlanOptions options;
  options.learner = "logistic";
  ExperimentPlan plan = flowpic_plan(data, options);
  // A linear model cannot generalise over single pixels of 1500 x 1500.
  for (ExperimentCell& cell : plan.cells) {
    PictureSpec small = picture_of(cell.spec);
    small.time_bins = small.size_bins = 32;
    cell.spec = flowpic(small, cell.spec.values());
  }
  const auto results = by_id(run_experiment(
      plan, data, small(), folder(),
      {"category", "technique", "unknown/voip-a", "vs-all/voip/plain-vpn", "pixels/32"}));
  EXPECT_EQ(results.size(), 7U);
  for (const auto& [id, result] : results) {
    EXPECT_EQ(result.lacks, "") << id;
  }
  EXPECT_GT(results.at("flowpic/category/plain").balanced, 0.9);
  EXPECT_GT(results.at("flowpic/unknown/voip-a").balanced, 0.9);
  EXPECT_GT(results.at("flowpic/pixels/32").balanced, 0.9);
  EXPECT_GT(results.at("flowpic/technique").balanced, 0.6);
  EXPECT_EQ(results.at("flowpic/unknown/voip-a").classes.size(), 3U);
}

TEST(FlowPic, TheNetworkLearnsSmallPictures) {
  const ExperimentData data = made_data();
  ExperimentOptions options = small();
  options.learners.set("epochs", "20");
  const auto results =
      run_experiment(flowpic_plan(data, {}), data, options, folder(), {"pixels/32"});
  EXPECT_GT(results.at(0).balanced, 0.8);
}

TEST(FlowPic, TheLastEpochNeedsNoValidationPart) {
  const ExperimentData data = made_data();
  ExperimentOptions options = small();
  options.max_windows = 1000;
  const auto judged =
      run_experiment(flowpic_plan(data, {}), data, options, folder(), {"pixels/32"});
  options.learners.set("epochs", "20");
  options.learners.set("batch", "16");
  options.learners.set("schedule", "cosine");
  options.learners.set("judge", "last");
  PlanOptions plan;
  plan.values = ValueKind::log1p;
  const auto last =
      run_experiment(flowpic_plan(data, plan), data, options, folder(), {"pixels/32"});
  EXPECT_GT(last.at(0).balanced, 0.9);
  // All that is not for the test counts as training either way.
  EXPECT_EQ(last.at(0).train_windows, judged.at(0).train_windows);
  EXPECT_EQ(last.at(0).test_windows, judged.at(0).test_windows);
}

TEST(Runs, FinishedCellsAreKept) {
  const ExperimentData data = made_data();
  const ExperimentPlan plan = leroux_plan(data, {});
  ExperimentOptions options = small();
  const auto where = folder();
  uint32_t computed = 0;
  uint32_t kept = 0;
  RunHooks hooks;
  hooks.after = [&](const ExperimentCell&, const CellResult&, bool was_kept) {
    ++(was_kept ? kept : computed);
  };
  const std::vector<std::string> two = {"plain/size_iat/naive-bayes", "plain/size_iat/logistic"};
  const auto first = run_experiment(plan, data, options, where, {two[0]}, hooks);
  EXPECT_EQ(computed, 1U);
  const auto second = run_experiment(plan, data, options, where, two, hooks);
  EXPECT_EQ(computed, 2U);
  EXPECT_EQ(kept, 1U);
  EXPECT_EQ(second.at(0).to_json(), first.at(0).to_json());
  // A damaged file, another seed, other data: computed again.
  std::ofstream(where / "cells" / "leroux.plain.size_iat.naive-bayes.json") << "{";
  run_experiment(plan, data, options, where, two, hooks);
  EXPECT_EQ(computed, 3U);
  options.seed = 2;
  run_experiment(plan, data, options, where, two, hooks);
  EXPECT_EQ(computed, 5U);
  ExperimentData other = data;
  other.recordings[0].flow.packets[0].size += 1;
  run_experiment(plan, other, options, where, two, hooks);
  EXPECT_EQ(computed, 7U);
}

TEST(Runs, CellsOfSeveralTablesAreTheSameTraining) {
  const ExperimentPlan plan = flowpic_plan(made_data(), {});
  std::map<std::string, uint64_t> digests;
  for (const ExperimentCell& cell : plan.cells) digests[cell.id] = cell_digest(cell, small(), 1);
  EXPECT_EQ(digests.at("flowpic/pixels/1500"), digests.at("flowpic/values/count"));
  EXPECT_EQ(digests.at("flowpic/pixels/1500"), digests.at("flowpic/block/60"));
  EXPECT_NE(digests.at("flowpic/pixels/1500"), digests.at("flowpic/pixels/300"));
  EXPECT_NE(digests.at("flowpic/pixels/1500"), digests.at("flowpic/values/binary"));
  EXPECT_NE(digests.at("flowpic/pixels/1500"), digests.at("flowpic/values/log1p"));
  // Another training makes another result.
  ExperimentOptions other = small();
  other.learners.set("schedule", "cosine");
  const auto& cell = *std::find_if(plan.cells.begin(), plan.cells.end(),
                                   [](const auto& c) { return c.id == "flowpic/pixels/1500"; });
  EXPECT_NE(cell_digest(cell, other, 1), digests.at(cell.id));
}

TEST(Cells, OfAnotherForestAreAnotherMeasurement) {
  const ExperimentData data = made_data();
  ExperimentPlan plan = leroux_plan(data, {});
  std::erase_if(plan.cells, [](const ExperimentCell& cell) {
    return cell.id != "leroux/plain/combined/forest";
  });
  plan.summaries.clear();
  ExperimentOptions all_features = small();
  all_features.learners.set("features-per-split", "100");
  ExperimentOptions extra = small();
  extra.learners.set("extra-trees", "yes");
  std::set<uint64_t> digests;
  for (const ExperimentOptions& options : {small(), all_features, extra}) {
    digests.insert(cell_digest(plan.cells[0], options, 1));
    const auto results = run_experiment(plan, data, options, folder(), {});
    EXPECT_GT(results.at(0).balanced, 0.95);
  }
  EXPECT_EQ(digests.size(), 3U);
}

TEST(Runs, SameSeedSameResult) {
  const ExperimentData data = made_data();
  const ExperimentPlan plan = leroux_plan(data, {});
  auto one = run_experiment(plan, data, small(), folder() / "1", {"vpn/combined/forest"});
  auto two = run_experiment(plan, data, small(), folder() / "2", {"vpn/combined/forest"});
  one[0].seconds = two[0].seconds = 0;
  EXPECT_EQ(one[0].to_json(), two[0].to_json());
}

TEST(Runs, WhatTheDataLacksIsSaid) {
  ExperimentData data = made_data();
  std::erase_if(data.recordings, [](const Recording& r) { return r.technique == "tor"; });
  const ExperimentPlan plan = flowpic_plan(data, {});
  const auto results = run_experiment(plan, data, small(), folder(),
                                      {"category/tor", "vs-all/browsing/plain-plain"});
  for (const CellResult& result : results) {
    EXPECT_NE(result.lacks, "");
    EXPECT_EQ(CellResult::from_json(result.to_json()).lacks, result.lacks);
  }
  const auto tables = result_tables(plan, results);
  const std::string text = results_text(tables);
  EXPECT_THAT(text, HasSubstr("lacking: no recording on tor (published: 67.8%)"));
  EXPECT_THAT(text, HasSubstr("no window of browsing"));
  EXPECT_THAT(results_markdown(tables), HasSubstr("| tor | lacking: no recording on tor |"));
}

TEST(Runs, OutputShowsOursBesideThePublished) {
  const ExperimentData data = made_data();
  const ExperimentPlan plan = leroux_plan(data, {});
  const auto results =
      run_experiment(plan, data, small(), folder(), {"plain/*/logistic", "multi-label/vpn/forest"});
  const auto tables = result_tables(plan, results);
  EXPECT_THAT(results_text(tables), HasSubstr("best of the nine"));
  EXPECT_THAT(results_markdown(tables), HasSubstr("83.9%, Hamming 4.6%"));
  const auto json = results_json(plan, small(), results);
  EXPECT_EQ(json["cells"].size(), 4U);
  EXPECT_EQ(json["cells"][2]["published"], 1.0);
  const std::string html = results_report(plan, results, "how").html();
  EXPECT_THAT(html, HasSubstr("Confusion matrices"));
  EXPECT_THAT(html, HasSubstr("taken for"));
}

TEST(Runs, RefuseWhatCannotBe) {
  const ExperimentData data = made_data();
  EXPECT_THROW(run_experiment(leroux_plan(data, {}), data, small(), folder(), {"nothing"}), Error);
  EXPECT_THROW(run_experiment(leroux_plan(data, {}), data, small(), "/proc/none", {}), Error);
}

TEST(Chosen, ByBeginningsAndPatterns) {
  EXPECT_TRUE(chosen("flowpic/vs-all/voip/plain-vpn", {}));
  EXPECT_TRUE(chosen("flowpic/vs-all/voip/plain-vpn", {"vs-all"}));
  EXPECT_TRUE(chosen("flowpic/vs-all/voip/plain-vpn", {"x", "vs-all/*/plain-*"}));
  EXPECT_TRUE(chosen("flowpic/category/tor", {"flowpic/category/tor"}));
  EXPECT_FALSE(chosen("flowpic/category/tor", {"cat"}));
}

TEST(Background, AddsItsRateAndKeepsTheFlow) {
  const ExperimentData data = made_data();
  const RecordedFlow& flow = data.recordings[0].flow;
  const auto palette = background_palette(data.recordings, 1);
  const double seconds =
      static_cast<double>(flow.packets.back().time_us - flow.packets.front().time_us) / 1e6;
  const RecordedFlow mixed = add_background(flow, 300, palette, 9);
  const auto added = static_cast<double>(mixed.packets.size() - flow.packets.size());
  EXPECT_NEAR(added / seconds, 300, 4 * std::sqrt(300 / seconds));
  EXPECT_TRUE(std::is_sorted(
      mixed.packets.begin(), mixed.packets.end(),
      [](const FlowPacket& a, const FlowPacket& b) { return a.time_us < b.time_us; }));
  EXPECT_EQ(add_background(flow, 0, palette, 9).packets.size(), flow.packets.size());
}

TEST(Windows, ThinAndShortPicturesAreLeftOut) {
  std::vector<Recording> recordings(2);
  for (uint32_t i = 0; i < 200; ++i) {  // 55 s in one direction; 20 s
    recordings[0].flow.packets.push_back({TimeUs{i} * 275'000, 500, Direction::up, false});
    recordings[1].flow.packets.push_back({TimeUs{i} * 100'000, 500, Direction::up, false});
  }
  FeatureSpec spec;
  const auto windows = cut_recordings(recordings, spec, {}, 0, 1);
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].recording, 0U);
  WindowRules any;
  any.min_span = 0;
  EXPECT_EQ(cut_recordings(recordings, spec, any, 0, 1).size(), 2U);
  spec = histogram({.kind = HistogramKind::size_iat});
  EXPECT_EQ(cut_recordings(recordings, spec, {}, 0, 1).size(), 0U);
  any.short_flows = true;
  EXPECT_EQ(cut_recordings(recordings, spec, any, 0, 1).size(), 2U);
}

}  // namespace
}  // namespace flowmark
