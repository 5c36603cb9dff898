#include "data/label_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "base/error.h"
#include "data/split.h"
#include "data/stratify.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// One window a flow, of the classes named.
ExampleSet examples_of(const std::vector<std::string>& labels) {
  ExampleSet examples;
  examples.feature_count = 1;
  for (const std::string& label : labels) {
    auto place = std::find(examples.classes.begin(), examples.classes.end(), label);
    if (place == examples.classes.end()) place = examples.classes.insert(place, label);
    ExampleInfo info;
    info.class_index = static_cast<uint32_t>(place - examples.classes.begin());
    info.flow = static_cast<uint32_t>(examples.flows.size());
    ExampleFlow flow;
    flow.name = "f" + std::to_string(info.flow);
    flow.class_index = info.class_index;
    examples.flows.push_back(flow);
    examples.add(info, SparseWindow{{0, 1}});
  }
  return examples;
}

TEST(LabelSets, PartsOfLabelsBecomeClasses) {
  ExampleSet examples = examples_of({"voip", "chat+voip", "p2p+chat"});
  to_label_sets(examples);
  EXPECT_TRUE(examples.multilabel);
  EXPECT_THAT(examples.classes, ElementsAre("chat", "p2p", "voip"));
  EXPECT_EQ(examples.info(0).label_set, 4U);
  EXPECT_EQ(examples.info(1).label_set, 5U);
  EXPECT_EQ(examples.flows[2].label_set, 3U);
  EXPECT_EQ(label_set_name(5, examples.classes), "chat+voip");
  EXPECT_EQ(label_set_name(0, examples.classes), "none");
  EXPECT_THROW(to_label_sets(examples), Error);
}

TEST(LabelSets, TheOrderOfLabelsCanBeGiven) {
  ExampleSet examples = examples_of({"voip", "chat+voip"});
  to_label_sets(examples, {"voip", "chat"});
  EXPECT_EQ(examples.info(0).label_set, 1U);
  ExampleSet more = examples_of({"voip", "mail+voip"});
  EXPECT_THAT(
      [&] {
        to_label_sets(more, {"voip", "chat"});
      },
      ThrowsMessage<Error>(HasSubstr("flow f1: label 'mail+voip': 'mail' is none of")));
}

TEST(LabelSets, RefusesEmptyPartsAndLabelsThatTellNothing) {
  ExampleSet broken = examples_of({"voip", "chat+"});
  EXPECT_THAT([&] { to_label_sets(broken); },
              ThrowsMessage<Error>(HasSubstr("flow f1: label 'chat+': a part of it is empty")));
  ExampleSet always = examples_of({"voip", "chat+voip"});
  to_label_sets(always);
  EXPECT_THAT([&] { require_every_label(always); },
              ThrowsMessage<Error>(HasSubstr("label 'voip' is on every window")));
  ExampleSet one = examples_of({"voip", "voip"});
  to_label_sets(one);
  EXPECT_THAT([&] { require_every_label(one); }, ThrowsMessage<Error>(HasSubstr("'voip' alone")));
}

TEST(LabelSets, UndersamplingTakesAsManyOfEverySet) {
  ExampleSet examples = examples_of({"a", "a", "a", "b", "b", "a+b", "a+b", "a+b", "a+b"});
  to_label_sets(examples);
  std::vector<uint32_t> rows(examples.size());
  for (uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
  uint32_t count[4] = {};
  for (const uint32_t row : undersample(examples, rows, 3)) {
    ++count[examples.info(row).label_set];
  }
  EXPECT_EQ(count[1], 2U);
  EXPECT_EQ(count[2], 2U);
  EXPECT_EQ(count[3], 2U);
}

TEST(Stratify, EveryLabelHasItsShare) {
  std::mt19937_64 dice(5);
  std::vector<uint64_t> sets;
  for (int i = 0; i < 200; ++i) sets.push_back(1 + dice() % 63);
  for (int i = 0; i < 10; ++i) sets.push_back(1 | 64);  // a rare label
  std::mt19937_64 random(1);
  const auto chosen = stratified_share(sets, 0.2, random);
  for (int label = 0; label < 7; ++label) {
    double all = 0;
    double in = 0;
    for (size_t i = 0; i < sets.size(); ++i) {
      const bool has = (sets[i] >> label & 1) != 0;
      all += has ? 1 : 0;
      in += has && chosen[i] ? 1 : 0;
    }
    EXPECT_NEAR(in, 0.2 * all, 3) << label;
  }
  std::mt19937_64 again(1);
  EXPECT_EQ(chosen, stratified_share(sets, 0.2, again));
}

TEST(Stratify, DealsSetsThatStandInOneGroupAlone) {
  // Every set once: dealing by set would have nothing to divide.
  std::vector<std::string> labels;
  for (int i = 1; i < 32; ++i) {
    std::string name;
    for (int c = 0; c < 5; ++c) {
      if ((i >> c & 1) != 0) name += (name.empty() ? "" : "+") + std::string(1, "abcde"[c]);
    }
    labels.push_back(name);
  }
  ExampleSet examples = examples_of(labels);
  to_label_sets(examples);
  std::vector<DataSource> sources(1);
  SplitOptions options;
  options.test = 0.25;
  options.validation = 0.25;
  const Split split = split_examples(examples, sources, options);
  uint32_t seen[3][5] = {};
  for (size_t row = 0; row < examples.size(); ++row) {
    for (int c = 0; c < 5; ++c) {
      seen[static_cast<size_t>(split.parts[row])][c] +=
          static_cast<uint32_t>(examples.info(row).label_set >> c & 1);
    }
  }
  for (int c = 0; c < 5; ++c) {
    EXPECT_NEAR(seen[2][c], 4, 2) << c;
    EXPECT_NEAR(seen[1][c], 3, 2) << c;
  }
  options.train_per_class = 2;
  EXPECT_THROW(split_examples(examples, sources, options), Error);
}

}  // namespace
}  // namespace flowmark
