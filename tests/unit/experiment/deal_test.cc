#include "experiment/deal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/error.h"
#include "experiment/mix.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "unit/data/made_recordings.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Task = ExperimentCell::Task;

/// Four windows of every recording, without features.
std::vector<RecordedWindow> four_each(const ExperimentData& data) {
  std::vector<RecordedWindow> windows;
  for (uint32_t r = 0; r < data.recordings.size(); ++r) {
    for (uint32_t n = 0; n < 4; ++n) {
      windows.push_back({r, n, OfflineWindow::Side::both, 1024, false, 0, {}});
    }
  }
  return windows;
}

ExperimentCell cell_for(Task task, const std::string& train, const std::string& test) {
  ExperimentCell cell;
  cell.id = "x";
  cell.task = task;
  cell.train_on = train;
  cell.test_on = test;
  cell.learner = "logistic";
  return cell;
}

std::set<uint32_t> recordings_of(const std::vector<CellWindows::Member>& members,
                                 const std::vector<RecordedWindow>& windows) {
  std::set<uint32_t> found;
  for (const auto& member : members) {
    found.insert(windows[member.window].recording);
  }
  return found;
}

TEST(Deal, RecordingsWithBackgroundAreForTheirOwnCells) {
  ExperimentData data = made_data();
  for (size_t r = 0; r < data.recordings.size(); r += 2) data.recordings[r].background_pps = 300;
  EXPECT_THAT(data.background_rates("vpn"), ElementsAre(300));
  const auto windows = four_each(data);
  ExperimentCell cell = cell_for(Task::category, "vpn", "vpn");
  const auto parity = [&](const CellWindows& dealt) {
    std::set<uint32_t> found;
    for (const uint32_t r : recordings_of(dealt.train, windows)) found.insert(r % 2);
    for (const uint32_t r : recordings_of(dealt.test, windows)) found.insert(r % 2);
    return found;
  };
  EXPECT_THAT(parity(deal_cell(cell, data.recordings, windows, {}, 1)), ElementsAre(1U));
  cell.background_pps = 300;  // laid over the others
  EXPECT_THAT(parity(deal_cell(cell, data.recordings, windows, {}, 1)), ElementsAre(1U));
  cell.recorded_background = true;
  EXPECT_THAT(parity(deal_cell(cell, data.recordings, windows, {}, 1)), ElementsAre(0U));
  const ExperimentPlan plan = leroux_plan(data, {});
  const auto recorded =
      std::count_if(plan.cells.begin(), plan.cells.end(),
                    [](const ExperimentCell& of) { return of.recorded_background; });
  EXPECT_EQ(recorded, 2);  // logistic regression and forest
}

class Splits : public ::testing::TestWithParam<const char*> {};

TEST_P(Splits, KeepTogetherWhatBelongsTogether) {
  const ExperimentData data = made_data();
  const auto windows = four_each(data);
  ExperimentOptions options;
  options.split = GetParam();
  const auto groups = group_recordings(data.recordings, options.split);
  for (uint64_t seed = 1; seed < 6; ++seed) {
    const auto dealt =
        deal_cell(cell_for(Task::category, "", ""), data.recordings, windows, options, seed);
    if (options.split == "capture") {
      // One capture of each kind and technique: nothing is left to test on.
      EXPECT_THAT(dealt.lacks, HasSubstr("to test on (split by capture)"));
      continue;
    }
    ASSERT_EQ(dealt.lacks, "");
    std::set<uint32_t> train;
    for (const uint32_t r : recordings_of(dealt.train, windows)) train.insert(groups[r]);
    for (const uint32_t r : recordings_of(dealt.validation, windows)) {
      EXPECT_EQ(train.count(groups[r]), 0U);
    }
    for (const uint32_t r : recordings_of(dealt.test, windows)) {
      EXPECT_EQ(train.count(groups[r]), 0U) << data.recordings[r].flow.name;
    }
    EXPECT_EQ(dealt.train.size() + dealt.validation.size() + dealt.test.size(), windows.size());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Splits, ::testing::Values("flow", "group", "capture"));

TEST(DealCell, SplitByWindowTearsFlowsApart) {
  const ExperimentData data = made_data();
  const auto windows = four_each(data);
  ExperimentOptions options;
  options.split = "window";
  const auto dealt =
      deal_cell(cell_for(Task::category, "", ""), data.recordings, windows, options, 1);
  const auto train = recordings_of(dealt.train, windows);
  const auto test = recordings_of(dealt.test, windows);
  EXPECT_TRUE(std::any_of(test.begin(), test.end(), [&](uint32_t r) { return train.count(r); }));
}

TEST(DealCell, PicturesInBetweenAreForTrainingAloneAndChangeNothingElse) {
  const ExperimentData data = made_data();
  auto windows = four_each(data);
  const auto blocks = windows.size();
  const auto cell = cell_for(Task::category, "", "");
  const auto without = deal_cell(cell, data.recordings, windows, {}, 1);
  for (size_t w = 0; w < blocks; ++w) {
    windows.push_back(windows[w]);
    windows.back().between = true;
  }
  const auto with = deal_cell(cell, data.recordings, windows, {}, 1);
  const auto same = [](const std::vector<CellWindows::Member>& a,
                       const std::vector<CellWindows::Member>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
      return x.window == y.window && x.class_index == y.class_index && x.group == y.group;
    });
  };
  EXPECT_TRUE(same(with.test, without.test));
  EXPECT_TRUE(same(with.validation, without.validation));
  EXPECT_EQ(with.train.size(), 2 * without.train.size());
  EXPECT_EQ(recordings_of(with.train, windows), recordings_of(without.train, windows));
  for (const auto& member : with.train) {
    const std::string& category = data.recordings[windows[member.window].recording].category;
    EXPECT_EQ(with.classes[member.class_index], category);
  }
  // Dealt out singly they would resemble what they are tested on.
  ExperimentOptions singly;
  singly.split = "window";
  for (const auto& member : deal_cell(cell, data.recordings, windows, singly, 1).train) {
    EXPECT_FALSE(windows[member.window].between);
  }
}

TEST(DealCell, PicturesInBetweenOfNewApplicationsAreNotLearnt) {
  const ExperimentData data = made_data();
  auto windows = four_each(data);
  for (size_t w = windows.size(); w-- > 0;) {
    windows.push_back(windows[w]);
    windows.back().between = true;
  }
  ExperimentCell cell = cell_for(Task::new_application, "", "");
  cell.target = "voip-a";
  const auto dealt = deal_cell(cell, data.recordings, windows, {}, 1);
  for (const uint32_t r : recordings_of(dealt.train, windows)) {
    EXPECT_NE(data.recordings[r].application, "voip-a");
  }
}

TEST(CutRecordings, SlidesOverPicturesButKeepsTheirBlocks) {
  const ExperimentData data = made_data();
  const FeatureSpec spec = flowpic({20 * kUsPerSecond, 16, 16, 1500});
  WindowRules rules;
  const auto blocks = cut_recordings(data.recordings, spec, rules, 0, 1);
  rules.slide_us = 5 * kUsPerSecond;
  const auto all = cut_recordings(data.recordings, spec, rules, 0, 1);
  EXPECT_GT(all.size(), 3 * blocks.size());
  size_t at = 0;
  for (const RecordedWindow& window : all) {
    if (window.between) continue;
    ASSERT_LT(at, blocks.size());
    EXPECT_EQ(window.recording, blocks[at].recording);
    EXPECT_EQ(window.side, blocks[at].side);
    EXPECT_EQ(window.number, 4 * blocks[at].number);
    EXPECT_EQ(window.features, blocks[at].features);
    ++at;
  }
  EXPECT_EQ(at, blocks.size());
  rules.slide_us = 3 * kUsPerSecond;
  EXPECT_THROW(cut_recordings(data.recordings, spec, rules, 0, 1), Error);
}

TEST(DealCell, WhatTheDataLaysDownIsKept) {
  ExperimentData data = made_data();
  for (size_t i = 0; i < data.recordings.size(); ++i) {
    data.recordings[i].split = i % 8 < 4 ? "train" : "test";
  }
  const auto windows = four_each(data);
  const auto dealt = deal_cell(cell_for(Task::category, "", ""), data.recordings, windows, {}, 3);
  for (const uint32_t r : recordings_of(dealt.test, windows)) {
    EXPECT_EQ(data.recordings[r].split, "test");
  }
  EXPECT_EQ(dealt.test.size(), windows.size() / 2);
}

TEST(DealCell, TrainsAndTestsOnTheTechniquesAsked) {
  const ExperimentData data = made_data();
  const auto windows = four_each(data);
  const auto dealt =
      deal_cell(cell_for(Task::category, "plain", "vpn"), data.recordings, windows, {}, 1);
  ASSERT_EQ(dealt.lacks, "");
  EXPECT_THAT(dealt.classes, ElementsAre("chat", "video", "voip"));
  for (const uint32_t r : recordings_of(dealt.train, windows)) {
    EXPECT_EQ(data.recordings[r].technique, "plain");
  }
  for (const uint32_t r : recordings_of(dealt.test, windows)) {
    EXPECT_EQ(data.recordings[r].technique, "vpn");
  }
}

TEST(DealCell, AgainstAllTheOthersHaveEqualShares) {
  ExperimentData data = made_data();
  auto windows = four_each(data);
  // Twice as much video.
  for (size_t i = windows.size(); i-- > 0;) {
    if (data.recordings[windows[i].recording].category == "video") {
      windows.push_back(windows[i]);
    }
  }
  ExperimentCell cell = cell_for(Task::class_vs_all, "plain", "plain");
  cell.target = "voip";
  const auto dealt = deal_cell(cell, data.recordings, windows, {}, 1);
  EXPECT_THAT(dealt.classes, ElementsAre("other", "voip"));
  std::map<std::string, int> counts;
  for (const auto& member : dealt.train) {
    ++counts[data.recordings[windows[member.window].recording].category];
  }
  EXPECT_EQ(counts["chat"], counts["video"]);
  EXPECT_GT(counts["voip"], 0);
}

TEST(DealCell, AnApplicationKeptOutIsTheWholeTest) {
  const ExperimentData data = made_data();
  const auto windows = four_each(data);
  ExperimentCell cell = cell_for(Task::new_application, "", "");
  cell.target = "voip-b";
  const auto dealt = deal_cell(cell, data.recordings, windows, {}, 1);
  ASSERT_EQ(dealt.lacks, "");
  for (const uint32_t r : recordings_of(dealt.test, windows)) {
    EXPECT_EQ(data.recordings[r].application, "voip-b");
  }
  for (const uint32_t r : recordings_of(dealt.train, windows)) {
    EXPECT_NE(data.recordings[r].application, "voip-b");
  }
}

TEST(DealCell, ClassesAreCapped) {
  const ExperimentData data = made_data();
  const auto windows = four_each(data);
  ExperimentOptions options;
  options.max_windows = 5;
  const auto dealt =
      deal_cell(cell_for(Task::category, "", ""), data.recordings, windows, options, 1);
  EXPECT_EQ(dealt.train.size(), 15U);
  EXPECT_EQ(dealt.test.size(), 15U);
}

TEST(DealCell, SaysWhatIsLacking) {
  ExperimentData data = made_data();
  const auto windows = four_each(data);
  ExperimentCell cell = cell_for(Task::class_vs_all, "plain", "plain");
  cell.target = "browsing";
  EXPECT_THAT(deal_cell(cell, data.recordings, windows, {}, 1).lacks,
              HasSubstr("no window of browsing"));
  for (Recording& recording : data.recordings) recording.category = "voip";
  EXPECT_THAT(deal_cell(cell_for(Task::category, "", ""), data.recordings, windows, {}, 1).lacks,
              HasSubstr("'voip' is the only class"));
  ExperimentOptions options;
  options.split = "group";
  data.recordings[3].group.clear();
  EXPECT_THROW(deal_cell(cell_for(Task::technique, "", ""), data.recordings, windows, options, 1),
               Error);
}

TEST(Overlay, FlowsBeginTogetherAndPacketsKeepTheirOrder) {
  const RecordedFlow a = made_flow(0, 0, 0, 50, 1);
  const RecordedFlow b = made_flow(2, 0, 0, 50, 2);
  const Overlay overlay = overlay_flows({&a, &b}, 60);
  ASSERT_EQ(overlay.flow.packets.size(), 60U);
  ASSERT_EQ(overlay.from.size(), 60U);
  EXPECT_EQ(overlay.flow.packets[0].time_us, 0);
  EXPECT_EQ(overlay.flow.packets[1].time_us, 0);
  size_t next[2] = {0, 0};
  const RecordedFlow* flows[2] = {&a, &b};
  for (size_t i = 0; i < 60; ++i) {
    const uint8_t from = overlay.from[i];
    EXPECT_EQ(overlay.flow.packets[i].size, flows[from]->packets[next[from]++].size);
    if (i > 0) {
      EXPECT_LE(overlay.flow.packets[i - 1].time_us, overlay.flow.packets[i].time_us);
    }
  }
}

TEST(Deal, SaysWhatAWindowMustHave) {
  const ExperimentData data = made_data();
  ExperimentCell cell = cell_for(Task::category, "vpn", "vpn");
  cell.spec = histogram({.kind = HistogramKind::size_iat});
  EXPECT_THAT(deal_cell(cell, data.recordings, {}, {}, 1).lacks,
              HasSubstr("no flow has 1024 packets (--short-flows"));
  cell.spec = FeatureSpec();
  EXPECT_THAT(deal_cell(cell, data.recordings, {}, {}, 1).lacks,
              HasSubstr("no block of 60 s has 11 packets over 50 s"));
}

TEST(Mixtures, TheDatasOwnComeFirst) {
  ExperimentData data = made_data();
  ExperimentCell cell = cell_for(Task::multi_label, "vpn", "vpn");
  cell.spec = histogram({.kind = HistogramKind::size_iat});
  ExperimentOptions options;
  options.mixtures = 20;
  const MixedWindows made = mix_windows(cell, data, options, 1);
  EXPECT_EQ(made.lacks, "");
  EXPECT_FALSE(made.own);
  std::set<uint64_t> sets;
  for (const auto& window : made.train) sets.insert(window.set);
  EXPECT_GT(sets.size(), 4U) << "singles, pairs and triples were expected";
  for (size_t i = 0; i < data.recordings.size(); ++i) {
    if (data.recordings[i].technique == "vpn" && i % 8 >= 4) {
      data.recordings[i].category = i % 8 < 6 ? "voip+chat" : "video+chat";
    }
  }
  const MixedWindows own = mix_windows(cell, data, options, 1);
  EXPECT_TRUE(own.own);
  EXPECT_EQ(own.lacks, "");
  EXPECT_THAT(own.labels, ElementsAre("chat", "video", "voip"));
  // A kind that is in mixtures alone is a label too.
  for (Recording& recording : data.recordings) {
    if (recording.category == "voip+chat") recording.category = "mail+chat";
  }
  EXPECT_THAT(mix_windows(cell, data, options, 1).labels,
              ElementsAre("chat", "mail", "video", "voip"));
}

}  // namespace
}  // namespace flowmark
