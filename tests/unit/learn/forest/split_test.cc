#include "learn/forest/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "learn/forest/ranks.h"
#include "unit/learn/forest/data.h"

namespace flowmark {
namespace {

TEST(RankMatrix, KeepsValuesInOrder) {
  ForestData data = empty_forest_data(4, 2);
  data.add({{0, 5.0F}, {2, -1.5F}}, 0);
  data.add({{2, 2.25F}}, 1);
  data.add({{0, 2.0F}, {1, 0.0F}, {2, -1.5F}}, 0);
  data.add({{0, 5.0F}, {3, 1e30F}}, 1);
  const std::vector<uint32_t> rows = {3, 2, 1, 0};
  const RankMatrix matrix(data.examples, rows);
  EXPECT_EQ(matrix.rows(), 4U);
  EXPECT_EQ(matrix.columns(), 4U);
  EXPECT_EQ(matrix.entries(), 7U) << "a value of 0 is not kept";
  const auto values = [&](uint32_t j) {
    return std::vector<float>(matrix.values(j).begin(), matrix.values(j).end());
  };
  EXPECT_EQ(values(0), (std::vector<float>{0, 2, 5}));
  EXPECT_EQ(values(1), (std::vector<float>{0}));
  EXPECT_EQ(values(2), (std::vector<float>{-1.5F, 0, 2.25F}));
  EXPECT_EQ(values(3), (std::vector<float>{0, 1e30F}));
  EXPECT_EQ(matrix.zero_rank(0), 0U);
  EXPECT_EQ(matrix.zero_rank(2), 1U);
  // Both orders hold what the examples hold.
  for (uint32_t i = 0; i < 4; ++i) {
    std::map<uint32_t, float> expected;
    for (const SparseValue& value : data.examples.row(rows[i])) {
      if (value.value != 0) {
        expected[value.index] = value.value;
      }
    }
    std::map<uint32_t, float> by_row;
    for (const RankMatrix::Entry& entry : matrix.row(i)) {
      by_row[entry.index] = matrix.values(entry.index)[entry.rank];
    }
    std::map<uint32_t, float> by_column;
    for (uint32_t j = 0; j < 4; ++j) {
      for (const RankMatrix::Entry& entry : matrix.column(j)) {
        if (entry.index == i) {
          by_column[j] = matrix.values(j)[entry.rank];
        }
      }
    }
    EXPECT_EQ(by_row, expected);
    EXPECT_EQ(by_column, expected);
  }
}

/// Examples of one node: rank in a feature, group, how often drawn.
struct Example {
  uint32_t rank;
  uint32_t group;
  uint32_t times;
};

/// Sum over sides and outputs of weight times (1 - Gini impurity), by the definition.
double purity(const std::vector<Example>& side, const ForestTargets& targets) {
  const uint32_t outputs = targets.multilabel ? targets.classes : 1;
  double sum = 0;
  for (uint32_t o = 0; o < outputs; ++o) {
    std::map<uint64_t, double> weight_of;  // by answer
    double total = 0;
    for (const Example& example : side) {
      uint64_t answer = example.group;
      double weight = 0;
      if (targets.multilabel) {
        answer = targets.label_set[example.group] >> o & 1;
        weight = answer != 0 ? targets.yes_weight[o] : targets.no_weight[o];
      } else {
        weight = targets.yes_weight[answer];
      }
      weight_of[answer] += weight * example.times;
      total += weight * example.times;
    }
    double shares = 0;
    for (const auto& [answer, weight] : weight_of) {
      shares += weight * weight / (total * total);
    }
    sum += total * shares;
  }
  return sum / outputs;
}

/// The best gap by trying all of them.
NodeSplit search(const std::vector<Example>& node, const ForestTargets& targets,
                 uint32_t min_leaf) {
  std::map<uint32_t, int> ranks;
  for (const Example& example : node) {
    ranks[example.rank] = 1;
  }
  NodeSplit best;
  for (auto low = ranks.begin(); low != ranks.end() && std::next(low) != ranks.end(); ++low) {
    std::vector<Example> sides[2];
    uint32_t count[2] = {0, 0};
    for (const Example& example : node) {
      const int side = example.rank <= low->first ? 0 : 1;
      sides[side].push_back(example);
      count[side] += example.times;
    }
    const double gain =
        purity(sides[0], targets) + purity(sides[1], targets) - purity(node, targets);
    if (count[0] >= min_leaf && count[1] >= min_leaf &&
        (best.feature == NodeSplit::kNone || gain > best.gain + 1e-9)) {
      best = {7, low->first, 0, gain};
    }
  }
  return best;
}

ForestTargets random_targets(bool multilabel, std::mt19937_64& dice) {
  ForestTargets targets;
  targets.classes = 2 + static_cast<uint32_t>(dice() % 3);
  targets.multilabel = multilabel;
  for (uint32_t c = 0; c < targets.classes; ++c) {
    targets.yes_weight.push_back(dice() % 2 == 0 ? 1 : 0.3 + static_cast<double>(dice() % 5));
    targets.no_weight.push_back(1);
  }
  for (uint64_t set = 0; multilabel && set < (1U << targets.classes); ++set) {
    targets.label_set.push_back(set);
  }
  return targets;
}

TEST(SplitFinder, FindsWhatTryingEveryGapFinds) {
  std::mt19937_64 dice(1);
  uint32_t found = 0;
  for (uint32_t round = 0; round < 4000; ++round) {
    const ForestTargets targets = random_targets(round % 2 == 1, dice);
    const uint32_t distinct = 1 + static_cast<uint32_t>(dice() % (round % 3 == 0 ? 200 : 6));
    const auto zero_rank = static_cast<uint32_t>(dice() % distinct);
    const uint32_t size = 2 + static_cast<uint32_t>(dice() % (round % 5 == 0 ? 150 : 12));
    const uint64_t zeros = dice() % 100;
    std::vector<Example> node;
    std::vector<uint64_t> items;
    std::vector<uint32_t> counts(targets.groups(), 0);
    for (uint32_t i = 0; i < size; ++i) {
      Example example{zero_rank, static_cast<uint32_t>(dice() % targets.groups()),
                      1 + static_cast<uint32_t>(dice() % 3)};
      if (dice() % 100 >= zeros) {
        example.rank = static_cast<uint32_t>(dice() % distinct);
      }
      node.push_back(example);
      counts[example.group] += example.times;
      if (example.rank != zero_rank) {
        items.push_back(make_item(example.rank, example.group << 16 | example.times));
      }
    }
    const uint32_t min_leaf = 1 + static_cast<uint32_t>(dice() % 4);
    SplitFinder finder(targets, min_leaf);
    finder.start(counts);
    std::vector<float> values(distinct);
    std::iota(values.begin(), values.end(), -static_cast<float>(zero_rank));
    const RankedFeature feature{7, values, zero_rank};
    const bool varies = finder.try_feature(feature, items);
    EXPECT_EQ(varies, std::any_of(node.begin(), node.end(), [&](const Example& example) {
                return example.rank != node[0].rank;
              }));
    const NodeSplit expected = search(node, targets, min_leaf);
    const NodeSplit& best = finder.best();
    ASSERT_EQ(best.feature, expected.feature) << "round " << round;
    if (best.feature == NodeSplit::kNone) {
      continue;
    }
    ++found;
    EXPECT_NEAR(best.gain, expected.gain, 1e-8) << "round " << round;
    // The threshold lies half way to the next value that the node has.
    float next = values.back() + 1;
    for (const Example& example : node) {
      if (example.rank > best.low) {
        next = std::min(next, values[example.rank]);
      }
    }
    EXPECT_EQ(best.threshold, 0.5F * (values[best.low] + next));
    // The table that is counted in must be left empty: once more, the same.
    finder.start(counts);
    finder.try_feature(feature, items);
    ASSERT_EQ(finder.best().low, best.low);
    ASSERT_EQ(finder.best().gain, best.gain);
  }
  EXPECT_GT(found, 2000U);
}

TEST(SplitFinder, AThresholdAtRandomIsJudgedAsItStands) {
  ForestTargets targets;
  targets.classes = 2;
  targets.yes_weight = {1, 1};
  const std::vector<float> values = {-2, 0, 1, 6};
  const RankedFeature feature{3, values, 1};
  // Three zeros of class 0, and -2 (class 1), 1 (class 0, drawn twice), 6 (class 1).
  const std::vector<uint32_t> counts = {5, 2};
  const std::vector<uint64_t> items = {make_item(0, 1U << 16 | 1), make_item(2, 2),
                                       make_item(3, 1U << 16 | 1)};
  const std::vector<Example> node = {{0, 1, 1}, {1, 0, 3}, {2, 0, 2}, {3, 1, 1}};
  struct Case {
    double place;
    float threshold;
    uint32_t low;
  };
  for (const Case& one : {Case{0, -2, 0}, Case{0.125, -1, 0}, Case{0.25, 0, 1}, Case{0.3, 0.4F, 1},
                          Case{0.375, 1, 2}, Case{0.999999999999, -2, 0}}) {
    SplitFinder finder(targets, 1);
    finder.start(counts);
    ASSERT_TRUE(finder.try_threshold(feature, items, one.place));
    const NodeSplit& best = finder.best();
    if (one.place > 0.9) {  // rounds to the largest value: nothing would go right
      EXPECT_LT(best.threshold, 6);
      continue;
    }
    EXPECT_EQ(best.feature, 3U);
    EXPECT_FLOAT_EQ(best.threshold, one.threshold);
    EXPECT_EQ(best.low, one.low);
    std::vector<Example> sides[2];
    for (const Example& example : node) {
      sides[example.rank <= one.low ? 0 : 1].push_back(example);
    }
    EXPECT_NEAR(best.gain,
                purity(sides[0], targets) + purity(sides[1], targets) - purity(node, targets),
                1e-9);
  }
  SplitFinder finder(targets, 2);
  finder.start(counts);
  EXPECT_TRUE(finder.try_threshold(feature, items, 0));
  EXPECT_EQ(finder.best().feature, NodeSplit::kNone) << "a leaf of one example";
  const std::vector<uint32_t> only_items = {0, 1};
  finder.start(only_items);
  EXPECT_FALSE(finder.try_threshold(feature, std::span(items).first(1), 0.5)) << "constant";
}

}  // namespace
}  // namespace flowmark
