#include "data/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/error.h"

namespace flowmark {
namespace {

/// Two classes, ten flows each, three windows a flow; flows 2k and 2k + 1 are of session k.
struct SplitData {
  SplitData() {
    examples.classes = {"a", "b"};
    examples.feature_count = 1;
    sources.resize(1);
    sources[0].path = "x.csv";
    sources[0].where = "m.yaml:2";
    for (uint32_t flow = 0; flow < 20; ++flow) {
      examples.flows.push_back({"f", 0, flow / 10, 3, "s" + std::to_string(flow / 2), {}});
      for (int window = 0; window < 3; ++window) {
        ExampleInfo info;
        info.class_index = flow / 10;
        info.flow = flow;
        info.repeat = window == 2;
        examples.add(info, SparseWindow{{0, 1}});
      }
    }
  }

  /// Parts that windows of the same group are in, by group.
  template <typename Key>
  std::map<Key, std::set<Part>> parts(const Split& split,
                                      Key (*key)(const ExampleFlow&, uint32_t)) {
    std::map<Key, std::set<Part>> found;
    for (size_t row = 0; row < examples.size(); ++row) {
      const uint32_t flow = examples.info(row).flow;
      found[key(examples.flows[flow], flow)].insert(split.parts[row]);
    }
    return found;
  }

  ExampleSet examples;
  std::vector<DataSource> sources;
};

SplitOptions by(const char* key, double validation, double test) {
  SplitOptions options;
  options.by = key;
  options.validation = validation;
  options.test = test;
  return options;
}

TEST(Split, KeepsFlowsTogether) {
  SplitData data;
  const Split split = split_examples(data.examples, data.sources, by("flow", 0.25, 0.2));
  const auto parts = data.parts<uint32_t>(split, [](const ExampleFlow&, uint32_t i) { return i; });
  std::map<Part, int> flows;
  for (const auto& [flow, of_flow] : parts) {
    EXPECT_EQ(of_flow.size(), 1U) << flow;
    ++flows[*of_flow.begin()];
  }
  EXPECT_EQ(flows[Part::test], 4);
  EXPECT_EQ(flows[Part::validation], 4);
  EXPECT_EQ(flows[Part::train], 12);
  EXPECT_EQ(split.groups[0], 12U);
}

TEST(Split, KeepsSessionsTogether) {
  SplitData data;
  const Split split = split_examples(data.examples, data.sources, by("session", 0.2, 0.2));
  const auto parts = data.parts<std::string>(
      split, [](const ExampleFlow& flow, uint32_t) { return flow.session; });
  EXPECT_EQ(parts.size(), 10U);
  for (const auto& [session, of_session] : parts) {
    EXPECT_EQ(of_session.size(), 1U) << session;
  }
}

TEST(Split, IsTheSameForTheSameSeedOnly) {
  SplitData data;
  SplitOptions options = by("flow", 0.2, 0.3);
  const Split first = split_examples(data.examples, data.sources, options);
  EXPECT_EQ(first.parts, split_examples(data.examples, data.sources, options).parts);
  options.seed = 2;
  EXPECT_NE(first.parts, split_examples(data.examples, data.sources, options).parts);
}

TEST(Split, TrainsOnSoManyOfEachClass) {
  SplitData data;
  SplitOptions options = by("flow", 0, 0);
  options.train_per_class = 4;
  const Split split = split_examples(data.examples, data.sources, options);
  EXPECT_EQ(split.groups[0], 8U);
  EXPECT_EQ(split.groups[2], 12U);
  options.train_per_class = 10;
  EXPECT_THROW(split_examples(data.examples, data.sources, options), Error);
}

TEST(Split, ObeysTheManifest) {
  SplitData data;
  data.sources.push_back(data.sources[0]);
  data.sources[0].split = "train";
  data.sources[1].split = "test";
  for (uint32_t flow = 0; flow < 20; flow += 3) {
    data.examples.flows[flow].source = 1;
  }
  const Split split = split_examples(data.examples, data.sources, by("flow", 0.2, 0.5));
  for (size_t row = 0; row < data.examples.size(); ++row) {
    const bool laid_down = data.examples.info(row).flow % 3 == 0;
    EXPECT_EQ(split.parts[row] == Part::test, laid_down);
  }
  EXPECT_GT(split.groups[1], 0U);
}

TEST(Split, RepeatsAreForJudgingOnly) {
  SplitData data;
  const Split split = split_examples(data.examples, data.sources, by("flow", 0, 0.5));
  EXPECT_EQ(rows_of(data.examples, split, Part::train, false).size(), 20U);
  EXPECT_EQ(rows_of(data.examples, split, Part::train, true).size(), 30U);
}

TEST(Split, RefusesWhatCannotBeSplit) {
  SplitData data;
  EXPECT_THROW(split_examples(data.examples, data.sources, by("network", 0.2, 0)), Error);
  EXPECT_THROW(split_examples(data.examples, data.sources, by("file", 0.2, 0)), Error);
}

}  // namespace
}  // namespace flowmark
