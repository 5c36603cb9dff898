#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "model/engine/build_engine.h"
#include "model/engine/reference.h"
#include "unit/model/model_test_util.h"

namespace flowmark {
namespace {

using testing::random_window;

/// Grows a random tree and returns its root.
uint32_t grow(ForestPlan& plan, uint32_t depth, std::mt19937& random) {
  const auto at = static_cast<uint32_t>(plan.nodes.size());
  plan.nodes.emplace_back();
  if (depth == 0 || random() % 8 == 0) {
    plan.nodes[at].yes = static_cast<uint32_t>(plan.leaves.size() / plan.scores);
    const auto scores = testing::random_floats(plan.scores, 0.3F, random);
    plan.leaves.insert(plan.leaves.end(), scores.begin(), scores.end());
    return at;
  }
  const uint32_t yes = grow(plan, depth - 1, random);
  const uint32_t no = grow(plan, depth - 1, random);
  plan.nodes[at] = {static_cast<uint32_t>(random() % plan.inputs), static_cast<float>(random() % 4),
                    yes, no};
  return at;
}

ForestPlan random_forest(uint32_t inputs, uint32_t scores, uint32_t trees, uint32_t max_depth,
                         std::mt19937& random) {
  ForestPlan plan;
  plan.inputs = inputs;
  plan.scores = scores;
  plan.base = testing::random_floats(scores, 0.1F, random);
  for (uint32_t t = 0; t < trees; ++t) {
    plan.roots.push_back(grow(plan, static_cast<uint32_t>(random() % (max_depth + 1)), random));
  }
  return plan;
}

void expect_agreement(const ForestPlan& plan, std::mt19937& random) {
  for (const Kernels* kernels : available_kernels()) {
    SCOPED_TRACE(kernels->target);
    const auto engine = build_engine(plan, *kernels);
    EXPECT_STREQ(engine->kind(), "forest");
    const auto scratch = engine->make_scratch();
    for (const size_t count : {0, 1, 5, 50, 400}) {
      const SparseWindow window = random_window(plan.inputs, count, random);
      const auto expected = reference_probabilities(plan, window);
      const auto whole = engine->run(*scratch, window);
      const std::vector<float> got(whole.begin(), whole.end());
      ASSERT_EQ(got.size(), expected.size());
      for (size_t c = 0; c < got.size(); ++c) ASSERT_NEAR(got[c], expected[c], 1e-5) << count;
      // In slices the same bits, also after an inference that was given up.
      const SparseWindow other = random_window(plan.inputs, 300, random);
      engine->begin(*scratch, other);
      engine->step(*scratch, 50);
      engine->begin(*scratch, window);
      while (!engine->step(*scratch, 1)) {
      }
      const auto sliced = engine->probabilities(*scratch);
      ASSERT_TRUE(std::equal(got.begin(), got.end(), sliced.begin()));
    }
  }
}

class RandomForests : public ::testing::TestWithParam<int> {};

TEST_P(RandomForests, AgreeWithTheReference) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  const auto inputs = static_cast<uint32_t>(1 + random() % 2000);
  const auto trees = static_cast<uint32_t>(1 + random() % 40);
  ForestPlan plan =
      random_forest(inputs, static_cast<uint32_t>(2 + random() % 20), trees, 10, random);
  using Transform = OutputRule::Transform;
  for (const auto transform : {Transform::none, Transform::softmax, Transform::logistic}) {
    plan.output.transform = transform;
    expect_agreement(plan, random);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomForests, ::testing::Range(0, 20));

TEST(ForestEngine, OneScoreStandsForTwoClasses) {
  std::mt19937 random(2);
  ForestPlan plan = random_forest(100, 1, 20, 6, random);
  plan.output.pair = OutputRule::Pair::one_minus;
  for (const auto transform : {OutputRule::Transform::none, OutputRule::Transform::logistic}) {
    plan.output.transform = transform;
    expect_agreement(plan, random);
  }
}

TEST(ForestEngine, LeavesOfTheSameScoresAgreeWithTheReference) {
  std::mt19937 random(3);
  ForestPlan plan = random_forest(500, 5, 30, 8, random);
  const size_t rows = plan.leaves.size() / plan.scores;
  for (size_t row = 4; row < rows; ++row) {  // four different ones, in all trees
    std::copy_n(plan.leaves.begin() + static_cast<ptrdiff_t>(random() % 4 * plan.scores),
                plan.scores, plan.leaves.begin() + static_cast<ptrdiff_t>(row * plan.scores));
  }
  plan.output.transform = OutputRule::Transform::none;
  expect_agreement(plan, random);
}

TEST(ForestEngine, NodesMayShareTheirChildren) {
  // x0 == 2 ? leaf 1 : (x1 <= 1 ? leaf 0 : leaf 2), as equality is compiled.
  ForestPlan plan;
  plan.inputs = 2;
  plan.scores = 3;
  plan.base = {0, 0, 0};
  plan.leaves = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const uint32_t leaf = ForestPlan::kLeaf;
  plan.nodes = {{0, 2, 1, 2},    {0, 1.5F, 2, 3}, {1, 1, 4, 5},
                {leaf, 0, 1, 0}, {leaf, 0, 0, 0}, {leaf, 0, 2, 0}};
  plan.roots = {0};
  plan.output.transform = OutputRule::Transform::none;
  const auto engine = build_engine(plan, default_kernels());
  const auto scratch = engine->make_scratch();
  const auto best = [&](float a, float b) {
    SparseWindow window;
    if (a != 0) window.push_back({0, a});
    if (b != 0) window.push_back({1, b});
    const auto got = engine->run(*scratch, window);
    return std::max_element(got.begin(), got.end()) - got.begin();
  };
  EXPECT_EQ(best(2, 0), 1);
  EXPECT_EQ(best(2, 7), 1);
  EXPECT_EQ(best(1, 0), 0);
  EXPECT_EQ(best(1, 7), 2);
  EXPECT_EQ(best(3, 1), 0);
  EXPECT_EQ(best(3, 7), 2);
}

/// A forest of one split a tree, all on feature 0, whose leaves have these shares.
ForestPlan forest_of(const std::vector<std::array<float, 4>>& trees, float factor) {
  ForestPlan plan;
  plan.inputs = 1;
  plan.scores = 2;
  plan.base = {0, 0};
  for (const auto& leaves : trees) {
    const auto at = static_cast<uint32_t>(plan.nodes.size());
    const auto row = static_cast<uint32_t>(plan.leaves.size() / 2);
    plan.roots.push_back(at);
    plan.nodes.push_back({0, 0.5F, at + 1, at + 2});
    plan.nodes.push_back({ForestPlan::kLeaf, 0, row, 0});
    plan.nodes.push_back({ForestPlan::kLeaf, 0, row + 1, 0});
    for (const float share : leaves) plan.leaves.push_back(share * factor);
  }
  return plan;
}

// Left all trees are sure of the first class; right each is sure of another; by Jensen-Shannon the
// disagreement of two sure trees is ln 2, of two unsure ones nothing.
TEST(ForestEngine, TreesThatContradictEachOtherDisagree) {
  for (const Kernels* kernels : available_kernels()) {
    SCOPED_TRACE(kernels->target);
    for (const float factor : {1.0F, 0.5F, 3.0F}) {  // shares may be divided by a temperature
      const auto engine = build_engine(forest_of({{1, 0, 1, 0}, {1, 0, 0, 1}}, factor), *kernels);
      ASSERT_TRUE(engine->has_disagreement());
      const auto scratch = engine->make_scratch();
      engine->run(*scratch, {});
      EXPECT_NEAR(engine->disagreement(*scratch), 0, 1e-6);
      engine->run(*scratch, SparseWindow{{0, 1}});
      EXPECT_NEAR(engine->disagreement(*scratch), std::log(2), 1e-6);
    }
    const auto unsure =
        build_engine(forest_of({{0.5F, 0.5F, 1, 0}, {0.5F, 0.5F, 0.5F, 0.5F}}, 1), *kernels);
    const auto scratch = unsure->make_scratch();
    unsure->run(*scratch, {});
    EXPECT_NEAR(unsure->disagreement(*scratch), 0, 1e-6);
    unsure->run(*scratch, SparseWindow{{0, 1}});
    // Mean (0.75, 0.25): 0.5623 nats; the trees' mean: ln(2) / 2.
    EXPECT_NEAR(unsure->disagreement(*scratch), 0.56234 - 0.34657, 1e-4);
  }
}

TEST(ForestEngine, OnlyLeavesOfSharesTellOfDisagreement) {
  const std::vector<std::array<float, 4>> shares{{1, 0, 0.5F, 0.5F}};
  EXPECT_TRUE(build_engine(forest_of(shares, 1), default_kernels())->has_disagreement());
  const auto has_after = [&](const std::function<void(ForestPlan&)>& change) {
    ForestPlan plan = forest_of(shares, 1);
    change(plan);
    return build_engine(plan, default_kernels())->has_disagreement();
  };
  EXPECT_FALSE(has_after([](ForestPlan& plan) { plan.leaves[0] = 2; })) << "another sum";
  EXPECT_FALSE(has_after([](ForestPlan& plan) { plan.leaves = {2, -1, 1, 0}; })) << "negative";
  EXPECT_FALSE(has_after([](ForestPlan& plan) { plan.base[1] = 0.1F; })) << "something added";
  EXPECT_FALSE(has_after([](ForestPlan& plan) {
    plan.output.transform = OutputRule::Transform::logistic;
  })) << "each class by itself";
}

}  // namespace
}  // namespace flowmark
