#include "data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "capture/sequence_file.h"
#include "data/augment_examples.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class DatasetTest : public testing::Test {
 protected:
  DatasetTest() {
    folder_ =
        std::filesystem::path(testing::TempDir()) /
        ("dataset_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~DatasetTest() override { std::filesystem::remove_all(folder_); }

  /// A flow of packets every `gap_s` seconds for `seconds`, up and down in turn.
  static std::string flow(const std::string& head, double seconds, double gap_s) {
    std::string text = "#" + head + ",100\n";
    const int packets = static_cast<int>(seconds / gap_s) + 1;
    for (int i = 0; i < packets; ++i) {
      text += std::to_string(i == 0 ? 0 : static_cast<int>(gap_s * 1e6)) +
              (i % 2 == 0 ? ",100\n" : ",-200\n");
    }
    return text;
  }

  std::vector<DataSource> manifest(const std::string& entries) {
    std::ofstream(folder_ / "m.yaml") << "sessions:\n" << entries;
    return read_manifest(folder_ / "m.yaml", label_key_);
  }

  /// Three long and one short flow of "vpn|web", one long of "plain|web".
  std::vector<DataSource> two_classes() {
    std::ofstream(folder_ / "a.csv") << flow("1,vpn|web", 130, 1) << flow("2,vpn|web", 130, 1)
                                     << flow("3,vpn|web", 130, 1) << flow("4,vpn|web", 5, 1);
    std::ofstream(folder_ / "b.csv") << flow("5,plain|web", 130, 1);
    label_key_ = "encryption";
    return manifest(
        "  - {path: a.csv, columns: [encryption, application], capture: one}\n"
        "  - {path: b.csv, columns: [encryption, application], capture: two}\n");
  }

  std::vector<RecordedFlow> written() {
    std::vector<RecordedFlow> flows;
    read_flows(folder_ / "out.csv.gz", {},
               [&](RecordedFlow&& flow) { flows.push_back(std::move(flow)); });
    return flows;
  }

  std::filesystem::path folder_;
  std::string label_key_ = "label";
};

TEST_F(DatasetTest, FlowPicRulesCutBlocksOfEachDirection) {
  const auto summary =
      build_dataset(two_classes(), DatasetOptions::flowpic(), folder_ / "out.csv.gz");
  ASSERT_EQ(summary.classes.size(), 2U);
  // 131 packets a second apart: in each direction two whole minutes, and 11 or 10 s that are thin.
  EXPECT_EQ(summary.classes[0].name, "plain");
  EXPECT_EQ(summary.classes[0].entries, 4U);
  EXPECT_EQ(summary.classes[0].flows, 1U);
  EXPECT_EQ(summary.classes[1].name, "vpn");
  EXPECT_EQ(summary.classes[1].entries, 12U);
  EXPECT_EQ(summary.classes[1].flows, 3U);
  EXPECT_EQ(summary.classes[1].captures, 1U);
  EXPECT_EQ(summary.thin, 4U * 2 + 2U);
  const auto flows = written();
  ASSERT_EQ(flows.size(), 16U);
  for (const RecordedFlow& flow : flows) {
    EXPECT_EQ(flow.attributes.at("application"), "web");
    EXPECT_EQ(flow.label, flow.attributes.at("encryption"));
    EXPECT_EQ(flow.packets.size(), 30U);
    std::set<Direction> directions;
    for (const FlowPacket& packet : flow.packets) directions.insert(packet.direction);
    EXPECT_EQ(directions.size(), 1U);
    EXPECT_LT(flow.packets.back().time_us - flow.packets.front().time_us, 60'000'000);
  }
  EXPECT_EQ(flows[0].name, "1 up #0");
  EXPECT_EQ(flows[0].attributes.at("flow"), "1");
  EXPECT_EQ(flows[0].attributes.at("capture"), "one");
}

TEST_F(DatasetTest, PacketBlocksAreComplete) {
  DatasetOptions options = DatasetOptions::tunnel();
  EXPECT_EQ(options.block_packets, 1024U);
  options.block_packets = 50;
  const auto summary = build_dataset(two_classes(), options, folder_ / "out.csv.gz");
  EXPECT_EQ(summary.classes[0].entries, 2U);  // 131 packets
  EXPECT_EQ(summary.classes[1].entries, 6U);
  for (const RecordedFlow& flow : written()) EXPECT_EQ(flow.packets.size(), 50U);
}

TEST_F(DatasetTest, BalancesBySeed) {
  DatasetOptions options = DatasetOptions::flowpic();
  options.balance = true;
  const auto summary = build_dataset(two_classes(), options, folder_ / "out.csv.gz");
  EXPECT_EQ(summary.classes[0].entries, 4U);
  EXPECT_EQ(summary.classes[1].entries, 4U);
  EXPECT_EQ(summary.dropped, 8U);
  const auto names = [](const std::vector<RecordedFlow>& flows) {
    std::vector<std::string> all;
    for (const RecordedFlow& flow : flows) all.push_back(flow.name);
    return all;
  };
  const auto first = names(written());
  build_dataset(two_classes(), options, folder_ / "out.csv.gz");
  EXPECT_EQ(names(written()), first);
  options.split.seed = 2;
  build_dataset(two_classes(), options, folder_ / "out.csv.gz");
  EXPECT_NE(names(written()), first);
}

TEST_F(DatasetTest, OneClassAgainstTheOthers) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += flow(std::to_string(i) + ",voip", 20, 1);
  for (int i = 8; i < 20; ++i) text += flow(std::to_string(i) + ",web", 20, 1);
  for (int i = 20; i < 22; ++i) text += flow(std::to_string(i) + ",chat", 20, 1);
  std::ofstream(folder_ / "a.csv") << text;
  DatasetOptions options;
  options.versus = "voip";
  const auto summary =
      build_dataset(manifest("  - {path: a.csv}\n"), options, folder_ / "out.csv.gz");
  ASSERT_EQ(summary.classes.size(), 2U);
  EXPECT_EQ(summary.classes[0].name, "not voip");
  EXPECT_EQ(summary.classes[0].entries, 8U);
  EXPECT_EQ(summary.classes[1].entries, 8U);
  options.versus = "p2p";
  EXPECT_THAT([&] { build_dataset(manifest("  - {path: a.csv}\n"), options, ""); },
              ThrowsMessage<Error>(HasSubstr("versus p2p: the data has no such class, but chat")));
}

TEST_F(DatasetTest, SplitsKeepBlocksOfAFlowTogetherAndTrainingReadsThem) {
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text += flow(std::to_string(i) + (i % 2 == 0 ? ",a" : ",b"), 200, 1);
  }
  std::ofstream(folder_ / "a.csv") << text;
  DatasetOptions options = DatasetOptions::flowpic();
  options.split_by = "flow";
  options.split.test = 0.2;
  options.split.validation = 0.25;
  const auto summary =
      build_dataset(manifest("  - {path: a.csv}\n"), options, folder_ / "out.csv.gz");
  EXPECT_EQ(summary.classes[0].by_part[2], 2U * 6);  // 2 of 10 flows, 3 blocks each way
  EXPECT_EQ(summary.classes[0].by_part[1], 2U * 6);
  std::map<std::string, std::set<std::string>> parts;
  for (const RecordedFlow& flow : written()) {
    parts[flow.attributes.at("flow")].insert(flow.attributes.at("split"));
  }
  EXPECT_EQ(parts.size(), 20U);
  for (const auto& [name, in] : parts) EXPECT_EQ(in.size(), 1U) << name;

  const auto sources = collect_sources({(folder_ / "out.csv.gz").string()});
  LoadCounts counts;
  FeatureSpec spec;
  const ExampleSet examples = load_examples(sources, spec, {}, {}, counts);
  const Split split = split_examples(examples, sources, {});
  for (size_t row = 0; row < examples.size(); ++row) {
    const std::string& said = examples.flows[examples.info(row).flow].attribute("split");
    EXPECT_EQ(said == "test", split.parts[row] == Part::test);
    EXPECT_EQ(said == "validation", split.parts[row] == Part::validation);
  }
  EXPECT_THAT(summary.to_table(), HasSubstr("By capture or a named group"));
  EXPECT_EQ(summary.to_json()["split_by"], "flow");
}

TEST_F(DatasetTest, WhatAnEntryLeavesOutALaterEntryOfTheFileMayTake) {
  std::ofstream(folder_ / "a.csv")
      << flow("1,web", 200, 1) + flow("2,tor", 200, 1) + flow("3,other", 200, 1);
  const auto sources = manifest(
      "  - {path: a.csv, labels: {web: pages, \"*\": ~}, technique: plain}\n"
      "  - {path: a.csv, labels: {web: never, tor: pages, \"*\": ~}, technique: tor}\n");
  LoadCounts counts;
  const ExampleSet examples = load_examples(sources, FeatureSpec{}, {}, {"pages"}, counts);
  EXPECT_EQ(counts.left_out, 1U);
  std::map<std::string, std::string> technique;
  for (const ExampleFlow& taken : examples.flows) {
    technique[taken.name] = taken.attribute("technique");
  }
  EXPECT_EQ(technique, (std::map<std::string, std::string>{{"1", "plain"}, {"2", "tor"}}));
}

TEST_F(DatasetTest, SaysThatWindowSplitsAreOptimistic) {
  DatasetOptions options = DatasetOptions::flowpic();
  options.split_by = "window";
  EXPECT_THAT(build_dataset(two_classes(), options, "").to_table(), HasSubstr("optimistic"));
}

TEST_F(DatasetTest, OnlyTheBeginning) {
  DatasetOptions options;
  options.first_us = 15 * kUsPerSecond;
  build_dataset(two_classes(), options, folder_ / "out.csv.gz");
  const auto flows = written();
  ASSERT_EQ(flows.size(), 5U);
  EXPECT_EQ(flows[0].packets.size(), 15U);
  EXPECT_EQ(flows[3].packets.size(), 6U);
}

TEST_F(DatasetTest, InfersTcpWhereTheEntrySaysSo) {
  const std::string handshake = "0,60\n10,-60\n10,52\n10,500\n10,-52\n";
  std::ofstream(folder_ / "a.csv") << "#1,web,100\n" << handshake;
  std::ofstream(folder_ / "b.csv") << "#2,chat,100\n" << handshake;
  const auto sources = manifest("  - {path: a.csv, infer_tcp: true}\n  - {path: b.csv}\n");
  build_dataset(sources, {}, folder_ / "out.csv.gz");
  for (const RecordedFlow& flow : written()) {
    const bool is_inferred = flow.label == "web";
    EXPECT_EQ(flow.attributes.contains("transport"), is_inferred);
    EXPECT_EQ(flow.packets.back().pure_ack, is_inferred);
  }
}

TEST_F(DatasetTest, RefusesWithTheReason) {
  const auto sources = two_classes();
  DatasetOptions options = DatasetOptions::flowpic(120 * kUsPerSecond);
  options.min_packets = 1000;
  EXPECT_THAT([&] { build_dataset(sources, options, folder_ / "out.csv.gz"); },
              ThrowsMessage<Error>(HasSubstr("is empty: no window of its flows")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.csv.gz"));
  label_key_ = "application";
  EXPECT_THAT(
      [&] {
        build_dataset(manifest("  - {path: a.csv, columns: [encryption, application]}\n"), {}, "");
      },
      ThrowsMessage<Error>(HasSubstr("the class 'web' alone")));
  label_key_ = "network";
  EXPECT_THAT([&] { build_dataset(manifest("  - {path: a.csv}\n"), {}, ""); },
              ThrowsMessage<Error>(HasSubstr("has no key 'network'")));
  label_key_ = "label";
  EXPECT_THAT([&] { build_dataset(manifest("  - {path: a.csv, columns: [a, b, c]}\n"), {}, ""); },
              ThrowsMessage<Error>(HasSubstr("labelled 'vpn|web', which has not 3 parts")));
  EXPECT_THAT([&] { build_dataset(manifest("  - {path: none.csv, label: x}\n"), {}, ""); },
              ThrowsMessage<Error>(HasSubstr("none.csv")));
}

TEST_F(DatasetTest, AugmentsTrainingFlowsOnly) {
  std::string text;
  for (int i = 0; i < 12; ++i) {
    text += flow(std::to_string(i) + (i % 2 == 0 ? ",a" : ",b"), 30, 0.5);
  }
  std::ofstream(folder_ / "a.csv") << text;
  const auto sources = manifest("  - {path: a.csv}\n");
  FeatureSpec spec;
  CutOptions cut;
  cut.tiles = false;
  cut.min_packets = 1;
  cut.prefixes = {{0, 15 * kUsPerSecond}};
  LoadCounts counts;
  ExampleSet examples = load_examples(sources, spec, cut, {}, counts);
  SplitOptions by_flow;
  by_flow.validation = 0.3;
  const Split split = split_examples(examples, sources, by_flow);
  const auto train = rows_of(examples, split, Part::train, false);
  const size_t before = examples.size();
  AugmentOptions options;
  options.kinds = {Augmentation::change_rtt, Augmentation::time_shift};
  options.copies = 4;
  const auto more = augment_examples(examples, sources, spec, cut, train, options);
  EXPECT_EQ(more.size(), 4 * train.size());
  EXPECT_EQ(examples.size(), before + more.size());
  std::set<uint32_t> flows;
  for (const uint32_t row : train) flows.insert(examples.info(row).flow);
  size_t changed = 0;
  for (const uint32_t row : more) {
    const ExampleInfo& info = examples.info(row);
    EXPECT_TRUE(flows.contains(info.flow));
    EXPECT_EQ(info.class_index, examples.flows[info.flow].class_index);
    const auto window = examples.row(row);
    const auto original = examples.row(train[0]);
    changed += window.size() != original.size() ||
               !std::equal(window.begin(), window.end(), original.begin(),
                           [](const SparseValue& x, const SparseValue& y) {
                             return x.index == y.index && x.value == y.value;
                           });
  }
  EXPECT_GT(changed, more.size() / 2);
  ExampleSet again = load_examples(sources, spec, cut, {}, counts);
  augment_examples(again, sources, spec, cut, train, options);
  for (const uint32_t row : more) {
    EXPECT_EQ(again.row(row).size(), examples.row(row).size());
  }
  // A flow with windows on both sides of the split has no copies.
  EXPECT_TRUE(
      augment_examples(again, sources, spec, cut, std::vector<uint32_t>{0}, options).empty());
}

}  // namespace
}  // namespace flowmark
