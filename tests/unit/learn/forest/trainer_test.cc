#include "learn/forest/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tbb/global_control.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "base/error.h"
#include "learn/forest/tree.h"
#include "unit/learn/forest/data.h"
#include "unit/learn/forest/trained_bits.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(TrainForest, IsTheSameOnAnyNumberOfThreads) {
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism, 5);
  const ForestData data = random_counts(400, 50, 3, 1);
  ForestOptions options;
  options.trees = 30;
  options.threads = 1;
  const std::string first = bits(train_forest(data.examples, data.train, options));
  for (const uint32_t threads : {2, 5, 0}) {
    options.threads = threads;
    EXPECT_TRUE(first == bits(train_forest(data.examples, data.train, options))) << threads;
  }
  options.seed = 2;
  EXPECT_FALSE(first == bits(train_forest(data.examples, data.train, options)));
  options.random_thresholds = true;
  options.threads = 1;
  const std::string extra = bits(train_forest(data.examples, data.train, options));
  options.threads = 5;
  EXPECT_TRUE(extra == bits(train_forest(data.examples, data.train, options)));
}

TEST(TrainForest, MoreTreesBeginWithTheSameOnes) {
  const ForestData data = random_counts(200, 30, 3, 2);
  ForestOptions options;
  options.trees = 5;
  const Forest small = train_forest(data.examples, data.train, options).forest;
  options.trees = 9;
  const Forest large = train_forest(data.examples, data.train, options).forest;
  ASSERT_GT(large.nodes.size(), small.nodes.size());
  for (size_t i = 0; i < small.nodes.size(); ++i) {
    ASSERT_EQ(small.nodes[i].feature, large.nodes[i].feature);
    ASSERT_EQ(small.nodes[i].threshold, large.nodes[i].threshold);
  }
}

TEST(TrainForest, AFullTreeKnowsItsExamples) {
  // Large enough for subtrees to be copied into blocks of their own, several times over.
  const ForestData data = random_counts(3000, 120, 4, 3);
  ForestOptions options;
  options.trees = 3;
  options.bootstrap = false;
  const TrainedForest trained = train_forest(data.examples, data.train, options);
  std::vector<float> dense(120, 0);
  std::vector<double> answer(4);
  for (const uint32_t row : data.train) {
    trained.forest.predict(data.examples.row(row), dense, answer);
    ASSERT_EQ(answer[data.labels[row]], 1.0) << row;
  }
  EXPECT_EQ(trained.forest.leaves.size(), 16U) << "equal leaves share a row";
}

/// Examples by leaf, and the longest way to one.
std::map<uint32_t, uint32_t> fill_leaves(const Forest& forest, const ForestData& data,
                                         uint32_t& depth) {
  std::map<uint32_t, uint32_t> count;
  depth = 0;
  for (const uint32_t row : data.train) {
    std::vector<float> dense(forest.feature_count, 0);
    for (const SparseValue& value : data.examples.row(row)) {
      dense[value.index] = value.value;
    }
    uint32_t at = 0;
    uint32_t steps = 0;
    for (; forest.nodes[at].feature != Forest::kLeaf; ++steps) {
      const Forest::Node& node = forest.nodes[at];
      at = dense[node.feature] <= node.threshold ? node.yes : node.no;
    }
    ++count[at];
    depth = std::max(depth, steps);
  }
  return count;
}

TEST(TrainForest, KeepsItsLimits) {
  const ForestData data = random_counts(1000, 40, 3, 4);
  ForestOptions options;
  options.trees = 1;
  options.bootstrap = false;
  uint32_t depth = 0;
  const auto grow = [&] {
    return fill_leaves(train_forest(data.examples, data.train, options).forest, data, depth);
  };
  const size_t free_leaves = grow().size();
  ASSERT_GT(depth, 6U);

  options.max_depth = 6;
  EXPECT_LE(grow().size(), 64U);
  EXPECT_EQ(depth, 6U);
  options.max_depth = 0;

  options.max_leaves = 17;
  EXPECT_EQ(grow().size(), 17U);
  options.max_leaves = 0;

  options.min_leaf = 9;
  for (const auto& [leaf, examples] : grow()) {
    EXPECT_GE(examples, 9U);
  }
  options.min_leaf = 1;

  options.min_split = 30;
  EXPECT_LT(grow().size(), free_leaves);
}

TEST(TrainForest, EveryTreeDrawsItsExamplesWithReplacement) {
  const ForestData data = random_counts(5000, 5, 2, 5);
  const RankMatrix matrix(data.examples, data.train);
  ForestOptions options;
  options.features_per_split = 2;
  const ForestTargets targets = ForestTargets::of_classes(data.examples, data.train, options);
  TreeBuilder builder(matrix, targets, options);
  const auto drawn = [&](uint32_t tree) { return builder.grow(tree).in_bag; };
  const std::vector<uint64_t> first = drawn(0);
  uint32_t count = 0;
  for (const uint64_t word : first) {
    count += static_cast<uint32_t>(std::popcount(word));
  }
  // 1 - 1/e of them; the standard deviation is 0.0044.
  EXPECT_NEAR(count / 5000.0, 1 - std::exp(-1.0), 0.02);
  EXPECT_NE(first, drawn(1));
  EXPECT_EQ(first, drawn(0));
}

TEST(TrainForest, OutOfBagAsksOnlyTreesThatDidNotSeeTheExample) {
  const ForestData data = random_counts(60, 20, 2, 6);
  ForestOptions options;
  options.trees = 8;
  const TrainedForest trained = train_forest(data.examples, data.train, options);
  const RankMatrix matrix(data.examples, data.train);
  options.features_per_split = 4;  // the root of 20
  const ForestTargets targets = ForestTargets::of_classes(data.examples, data.train, options);
  TreeBuilder builder(matrix, targets, options);
  uint32_t judged = 0;
  uint32_t right = 0;
  std::vector<std::vector<uint64_t>> seen;
  for (uint32_t t = 0; t < options.trees; ++t) {
    seen.push_back(builder.grow(t).in_bag);
  }
  for (const uint32_t row : data.train) {
    std::vector<float> dense(20, 0);
    for (const SparseValue& value : data.examples.row(row)) {
      dense[value.index] = value.value;
    }
    double first = 0;
    uint32_t voters = 0;
    for (uint32_t t = 0; t < options.trees; ++t) {
      if ((seen[t][row / 64] >> (row % 64) & 1) == 0) {
        first += trained.forest.leaves[trained.forest.leaf(t, dense) * 2];
        ++voters;
      }
    }
    const float expected = static_cast<float>(first / voters);
    if (voters == 0) {
      EXPECT_TRUE(std::isnan(trained.out_of_bag.probabilities[row * 2]));
      continue;
    }
    EXPECT_FLOAT_EQ(trained.out_of_bag.probabilities[row * 2], expected);
    ++judged;
    right += (expected >= 0.5F ? 0U : 1U) == data.labels[row] ? 1 : 0;
  }
  EXPECT_EQ(trained.out_of_bag.judged, judged);
  EXPECT_DOUBLE_EQ(trained.out_of_bag.accuracy, static_cast<double>(right) / judged);
}

TEST(TrainForest, ImportancesPointAtWhatMatters) {
  ForestData data = empty_forest_data(10, 2);
  std::mt19937_64 dice(7);
  for (uint32_t i = 0; i < 400; ++i) {
    SparseWindow window;
    for (uint32_t j = 0; j < 10; ++j) {
      const uint64_t value = j == 6 ? (i % 2) * 3 + dice() % 3 : dice() % 5;
      if (value > 0) {
        window.push_back({j, static_cast<float>(value)});
      }
    }
    data.add(window, i % 2);
  }
  const TrainedForest trained = train_forest(data.examples, data.train, {});
  EXPECT_GT(trained.importances[6], 0.5);
  EXPECT_NEAR(std::accumulate(trained.importances.begin(), trained.importances.end(), 0.0), 1,
              1e-9);
}

TEST(TrainForest, StoppedItIsTheTreesSoFar) {
  const ForestData data = random_counts(100, 20, 2, 8);
  ForestOptions options;
  options.trees = 1000;
  options.threads = 1;
  options.on_tree = [](uint32_t done) { return done < 7; };
  const TrainedForest trained = train_forest(data.examples, data.train, options);
  EXPECT_EQ(trained.forest.roots.size(), 7U);
  EXPECT_GT(trained.out_of_bag.judged, 0U);
}

TEST(TrainForest, ConstantFeaturesGiveALeafWithTheClassesShares) {
  ForestData data = empty_forest_data(5, 2);
  for (uint32_t i = 0; i < 8; ++i) {
    data.add({{1, 2.0F}, {3, 7.0F}}, i < 2 ? 0 : 1);
  }
  ForestOptions options;
  options.trees = 3;
  options.bootstrap = false;
  const TrainedForest trained = train_forest(data.examples, data.train, options);
  EXPECT_EQ(trained.forest.nodes.size(), 3U);
  std::vector<float> dense(5, 0);
  std::vector<double> answer(2);
  trained.forest.predict({}, dense, answer);
  EXPECT_FLOAT_EQ(static_cast<float>(answer[0]), 0.25F);
  EXPECT_EQ(trained.importances, std::vector<double>(5, 0));
  options.balanced = true;
  train_forest(data.examples, data.train, options).forest.predict({}, dense, answer);
  EXPECT_FLOAT_EQ(static_cast<float>(answer[0]), 0.5F);
}

TEST(TrainForest, TakesExclusiveOrApart) {
  // No split of the root lowers the impurity.
  ForestData data = empty_forest_data(2, 2);
  for (uint32_t i = 0; i < 4; ++i) {
    SparseWindow window;
    for (uint32_t j = 0; j < 2; ++j) {
      if ((i >> j & 1) != 0) {
        window.push_back({j, 1.0F});
      }
    }
    data.add(window, i == 1 || i == 2 ? 1 : 0);
  }
  ForestOptions options;
  options.trees = 1;
  options.bootstrap = false;
  const Forest forest = train_forest(data.examples, data.train, options).forest;
  EXPECT_EQ(forest.nodes.size(), 7U);
}

TEST(TrainForest, NeighbouringFloatsAreToldApart) {
  ForestData data = empty_forest_data(1, 2);
  const float low = 1.0F;
  const float high = std::nextafter(low, 2.0F);
  data.add({{0, low}}, 0);
  data.add({{0, high}}, 1);
  ForestOptions options;
  options.trees = 1;
  options.bootstrap = false;
  const Forest forest = train_forest(data.examples, data.train, options).forest;
  ASSERT_EQ(forest.nodes.size(), 3U);
  EXPECT_LE(low, forest.nodes[0].threshold);
  EXPECT_GT(high, forest.nodes[0].threshold);
}

TEST(TrainForest, RefusesClassesThatTeachNothing) {
  ForestData empty = random_counts(20, 5, 3, 9);
  std::erase_if(empty.train, [&](uint32_t row) { return empty.labels[row] == 1; });
  EXPECT_THAT([&] { train_forest(empty.examples, empty.train, {}); },
              ThrowsMessage<Error>(HasSubstr("class 'b' is empty")));
  ForestData one = empty_forest_data(5, 1);
  one.add({{1, 2.0F}}, 0);
  EXPECT_THAT([&] { train_forest(one.examples, one.train, {}); },
              ThrowsMessage<Error>(HasSubstr("'a' is the only class")));
}

TEST(TrainForest, RefusesLabelsThatTeachNothing) {
  const ForestData data = random_counts(20, 5, 2, 10);
  std::vector<uint64_t> sets(20, 1);
  EXPECT_THAT([&] { train_forest(data.examples, data.train, sets, {}); },
              ThrowsMessage<Error>(HasSubstr("label 'a' is on every window")));
  sets[3] = 0;
  EXPECT_THAT([&] { train_forest(data.examples, data.train, sets, {}); },
              ThrowsMessage<Error>(HasSubstr("label 'b' is on no window")));
  sets[4] = 8;
  EXPECT_THAT([&] { train_forest(data.examples, data.train, sets, {}); },
              ThrowsMessage<Error>(HasSubstr("a window has label 3; there are 2 classes")));
  sets.pop_back();
  EXPECT_THAT([&] { train_forest(data.examples, data.train, sets, {}); },
              ThrowsMessage<Error>(HasSubstr("19 sets of labels for 20 examples")));
}

TEST(TrainForest, ValuesThatAreNotFiniteNeverGetThatFar) {
  ForestData data = empty_forest_data(5, 2);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_THAT(
        [&] {
          data.add({{1, bad}}, 0);
        },
        ThrowsMessage<Error>(HasSubstr("at feature 1: must be finite")));
  }
}

TEST(TrainForest, RefusesOptionsOutOfRange) {
  const ForestData data = random_counts(20, 5, 2, 11);
  const auto refuses = [&](const std::function<void(ForestOptions&)>& change, const char* message) {
    ForestOptions options;
    change(options);
    EXPECT_THAT([&] { train_forest(data.examples, data.train, options); },
                ThrowsMessage<Error>(HasSubstr(message)));
  };
  using Options = ForestOptions;
  refuses([](Options& o) { o.trees = 0; }, "trees 0: must be 1..100000");
  refuses([](Options& o) { o.features_per_split = 6; },
          "features per split 6: the input has 5 features");
  refuses([](Options& o) { o.max_leaves = 1; }, "leaves 1: must be 2 or more");
  refuses([](Options& o) { o.min_leaf = 0; }, "must be at least 1 and 2");
  refuses([](Options& o) { o.min_split = 1; }, "must be at least 1 and 2");
  refuses([](Options& o) { o.class_weights = {1, 2, 3}; }, "3 class weights for 2 classes");
  refuses([](Options& o) { o.class_weights = {1, 0}; }, "class weight 0: must be more than 0");
  refuses([](Options& o) { o.class_weights = {1, NAN}; }, "class weight nan: must be more than 0");
  refuses(
      [](Options& o) {
        o.balanced = true;
        o.class_weights = {1, 2};
      },
      "only one of the two");
}

TEST(TrainForest, MultiLabelOutputsAreWeighedEachOnItsOwn) {
  // One constant feature: the leaf is the (weighted) share of yes.
  ForestData data = empty_forest_data(2, 2);
  for (uint32_t i = 0; i < 10; ++i) {
    data.add({{0, 1.0F}}, 0);
  }
  const std::vector<uint64_t> sets = {1, 1, 0, 0, 0, 3, 2, 2, 2, 2};
  ForestOptions options;
  options.trees = 1;
  options.bootstrap = false;
  const auto leaf = [&] { return train_forest(data.examples, data.train, sets, options).forest; };
  Forest forest = leaf();
  EXPECT_TRUE(forest.multilabel);
  const float* row = forest.leaves.data() + size_t{forest.nodes[0].yes} * 2;
  EXPECT_FLOAT_EQ(row[0], 0.3F);
  EXPECT_FLOAT_EQ(row[1], 0.5F);
  options.class_weights = {7, 1};
  forest = leaf();
  row = forest.leaves.data() + size_t{forest.nodes[0].yes} * 2;
  EXPECT_FLOAT_EQ(row[0], 0.75F);
  options.class_weights = {};
  options.balanced = true;
  forest = leaf();
  row = forest.leaves.data() + size_t{forest.nodes[0].yes} * 2;
  EXPECT_FLOAT_EQ(row[0], 0.5F);
}

}  // namespace
}  // namespace flowmark
