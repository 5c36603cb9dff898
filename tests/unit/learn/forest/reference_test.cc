// Trees and forests against scikit-learn's (tests/golden/train_forest).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "unit/learn/forest/data.h"

namespace flowmark {
namespace {

using nlohmann::json;

ForestOptions options_of(const json& reference, uint32_t features, uint32_t classes) {
  ForestOptions options;
  options.trees = 1;
  options.bootstrap = false;
  options.features_per_split = features;
  options.min_leaf = reference["min_leaf"];
  options.max_depth = reference.value("max_depth", 0U);
  options.max_leaves = reference.value("max_leaf_nodes", 0U);
  options.min_split = reference.value("min_samples_split", 2U);
  if (reference.contains("class_weight")) {
    options.balanced = reference["class_weight"] == "balanced";
    for (uint32_t c = 0; c < classes && !options.balanced; ++c) {
      options.class_weights.push_back(reference["class_weight"][std::to_string(c)]);
    }
  }
  return options;
}

TrainedForest train_on(const ForestData& data, bool multilabel, const ForestOptions& options) {
  return multilabel ? train_forest(data.examples, data.train, data.train_labels(), options)
                    : train_forest(data.examples, data.train, options);
}

/// Number of nodes that were compared.
size_t expect_same(const Forest& forest, uint32_t at, const json& expected,
                   const std::string& path) {
  const Forest::Node& node = forest.nodes[at];
  if (expected.contains("leaf")) {
    EXPECT_EQ(node.feature, Forest::kLeaf) << path;
    for (uint32_t c = 0; c < forest.class_count && node.feature == Forest::kLeaf; ++c) {
      EXPECT_NEAR(forest.leaves[node.yes * forest.class_count + c],
                  expected["leaf"][c].get<double>(), 1e-6)
          << path;
    }
    return 1;
  }
  EXPECT_EQ(node.feature, expected["feature"].get<uint32_t>()) << path;
  if (node.feature == Forest::kLeaf) {
    return 1;
  }
  EXPECT_EQ(node.threshold, expected["threshold"].get<float>()) << path;
  return 1 + expect_same(forest, node.yes, expected["yes"], path + "y") +
         expect_same(forest, node.no, expected["no"], path + "n");
}

class ReferenceTree : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceTree, IsGrownExactly) {
  const std::string name = GetParam();
  const ForestData data = reference_data(name.substr(0, name.find('_')));
  const json& reference = forest_reference()["trees"][name];
  const auto classes = static_cast<uint32_t>(data.examples.classes.size());
  ForestOptions options = options_of(reference, data.examples.feature_count, classes);
  for (const uint64_t seed : {1, 2, 3}) {  // the order in which features are tried
    options.seed = seed;
    const TrainedForest trained = train_on(data, name.starts_with("mixed"), options);
    EXPECT_EQ(expect_same(trained.forest, 0, reference["tree"], "/"), trained.forest.nodes.size());
  }
}

INSTANTIATE_TEST_SUITE_P(ScikitLearn, ReferenceTree,
                         testing::Values("counts_plain", "counts_balanced", "counts_weighted",
                                         "counts_depth", "counts_leaves", "counts_min_split",
                                         "reals_plain", "mixed_plain"),
                         [](const auto& one) { return std::string(one.param); });

struct Figures {
  double test = 0;
  double out_of_bag = 0;
  double log_loss = 0;
  double hamming_loss = 0;
};

Figures judge(const TrainedForest& trained, const ForestData& data) {
  Figures figures;
  figures.out_of_bag = trained.out_of_bag.accuracy;
  const uint32_t classes = trained.forest.class_count;
  std::vector<float> dense(data.examples.feature_count, 0);
  std::vector<double> answer(classes);
  for (const uint32_t row : data.test) {
    trained.forest.predict(data.examples.row(row), dense, answer);
    if (!trained.forest.multilabel) {
      const auto top = std::max_element(answer.begin(), answer.end()) - answer.begin();
      figures.test += static_cast<uint64_t>(top) == data.labels[row] ? 1 : 0;
      figures.log_loss -= std::log(std::max(answer[data.labels[row]], 1e-15));
      continue;
    }
    uint32_t wrong = 0;
    for (uint32_t c = 0; c < classes; ++c) {
      wrong += (answer[c] > 0.5) != ((data.labels[row] >> c & 1) != 0) ? 1 : 0;
    }
    figures.test += wrong == 0 ? 1 : 0;
    figures.hamming_loss += static_cast<double>(wrong) / classes;
  }
  const auto count = static_cast<double>(data.test.size());
  figures.test /= count;
  figures.log_loss /= count;
  figures.hamming_loss /= count;
  return figures;
}

constexpr uint32_t kSeeds = 4;

/// Our mean lies where another mean of scikit-learn's would: within four standard errors of the
/// difference.
void expect_like(double sum, const json& reference, const char* what) {
  const double error = reference["deviation"].get<double>() * std::sqrt(1.0 / 12 + 1.0 / kSeeds);
  EXPECT_NEAR(sum / kSeeds, reference["mean"].get<double>(), 4 * error) << what;
}

class ReferenceForest : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceForest, IsAsAccurate) {
  const std::string name = GetParam();
  const ForestData data = reference_data(name.substr(0, name.find('_')));
  const json& reference = forest_reference()["forests"][name];
  ForestOptions options;
  options.trees = 150;
  if (name == "counts_small") {
    options.max_depth = 5;
    options.features_per_split = 15;
    options.balanced = true;
  }
  if (name == "counts_extra") {
    options.random_thresholds = true;
    options.bootstrap = false;
  }
  const bool multilabel = name == "mixed";
  Figures sum;
  for (uint32_t seed = 1; seed <= kSeeds; ++seed) {
    options.seed = seed;
    const Figures one = judge(train_on(data, multilabel, options), data);
    sum.test += one.test;
    sum.out_of_bag += one.out_of_bag;
    sum.log_loss += one.log_loss;
    sum.hamming_loss += one.hamming_loss;
  }
  expect_like(sum.test, reference["test"], "accuracy");
  if (options.bootstrap) {
    expect_like(sum.out_of_bag, reference["out_of_bag"], "out of bag");
  }
  if (multilabel) {
    expect_like(sum.hamming_loss, reference["hamming_loss"], "Hamming loss");
  } else {
    expect_like(sum.log_loss, reference["log_loss"], "log loss");
  }
}

INSTANTIATE_TEST_SUITE_P(ScikitLearn, ReferenceForest,
                         testing::Values("counts", "counts_small", "counts_extra", "mixed"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace flowmark
