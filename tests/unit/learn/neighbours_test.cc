#include "learn/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"

namespace flowmark {
namespace {

ExampleSet three_classes() {
  ExampleSet examples;
  examples.feature_count = 8;
  examples.classes = {"a", "b", "c"};
  return examples;
}

void add_row(ExampleSet& examples, uint32_t class_index, const SparseWindow& window) {
  ExampleInfo info;
  info.class_index = class_index;
  examples.flows.emplace_back();
  examples.add(info, window);
}

/// Values of -3 to 3, half of them 0.
ExampleSet random_rows(uint32_t rows) {
  ExampleSet examples = three_classes();
  std::mt19937_64 random(7);
  for (uint32_t r = 0; r < rows; ++r) {
    SparseWindow window;
    for (uint32_t f = 0; f < examples.feature_count; ++f) {
      if (random() % 2 == 0) continue;
      window.push_back({f, static_cast<float>(random() % 6001) / 1000 - 3});
    }
    add_row(examples, r % 3, window);
  }
  return examples;
}

std::vector<float> dense(const ExampleSet& examples, uint32_t row) {
  std::vector<float> values(examples.feature_count, 0);
  for (const SparseValue& value : examples.row(row)) values[value.index] = value.value;
  return values;
}

/// Votes by the definition: all distances, sorted.
std::vector<double> plain_votes(const ExampleSet& examples, uint32_t train, uint32_t row,
                                uint32_t neighbours) {
  const std::vector<float> own = dense(examples, row);
  std::vector<std::pair<double, uint32_t>> order;
  for (uint32_t r = 0; r < train; ++r) {
    const std::vector<float> other = dense(examples, r);
    double distance = 0;
    for (size_t f = 0; f < own.size(); ++f)
      distance += std::fabs(double{own[f]} - double{other[f]});
    order.emplace_back(distance, r);
  }
  std::sort(order.begin(), order.end());
  std::vector<double> votes(examples.classes.size(), 0);
  double all = 0;
  for (uint32_t i = 0; i < neighbours; ++i) {
    votes[examples.info(order[i].second).class_index] += 1 / order[i].first;
    all += 1 / order[i].first;
  }
  for (double& vote : votes) vote /= all;
  return votes;
}

TEST(NeighboursTest, AreThoseOfTheDefinition) {
  const ExampleSet examples = random_rows(240);
  constexpr uint32_t kTrain = 200;
  std::vector<uint32_t> train(kTrain);
  std::vector<uint32_t> asked;
  for (uint32_t r = 0; r < kTrain; ++r) train[r] = r;
  for (uint32_t r = kTrain; r < examples.size(); ++r) asked.push_back(r);
  for (const uint32_t neighbours : {1U, 5U, 17U}) {
    const auto votes = Neighbours(examples, train, {neighbours, false}).probabilities(asked);
    for (size_t i = 0; i < asked.size(); ++i) {
      const auto expected = plain_votes(examples, kTrain, asked[i], neighbours);
      for (size_t c = 0; c < 3; ++c) {
        EXPECT_NEAR(votes[i * 3 + c], expected[c], 1e-4) << asked[i] << " " << neighbours;
      }
    }
  }
}

TEST(NeighboursTest, ARowNamedTwiceVotesOnce) {
  ExampleSet examples = three_classes();
  add_row(examples, 0, {{0, 1}});
  add_row(examples, 1, {{0, 2}});
  add_row(examples, 1, {{0, 2}});
  add_row(examples, 2, {{0, 1.25F}});
  const std::vector<uint32_t> train{0, 0, 0, 0, 1, 2};
  const auto votes =
      Neighbours(examples, train, {3, false}).probabilities(std::vector<uint32_t>{3});
  // Distances 0.25 to one of class a, 0.75 to two of class b.
  EXPECT_NEAR(votes[0], 0.6, 1e-5);
  EXPECT_NEAR(votes[1], 0.4, 1e-5);
}

TEST(NeighboursTest, CountsAreComparedByTheirLogarithms) {
  ExampleSet examples = three_classes();
  add_row(examples, 0, {{0, 100}});
  add_row(examples, 1, {{0, 1000}});
  add_row(examples, 2, {{0, 400}});  // nearer to 100 by the difference, to 1000 by the ratio
  const std::vector<uint32_t> train{0, 1};
  const std::vector<uint32_t> asked{2};
  EXPECT_EQ(Neighbours(examples, train, {1, false}).probabilities(asked)[0], 1);
  EXPECT_EQ(Neighbours(examples, train, {1, true}).probabilities(asked)[1], 1);
}

TEST(NeighboursTest, AnEqualWindowDecides) {
  ExampleSet examples = three_classes();
  add_row(examples, 0, {{0, 1}, {3, 2}});
  add_row(examples, 1, {{0, 1}, {3, 2.01F}});
  add_row(examples, 2, {{0, 1}, {3, 2}});
  const std::vector<uint32_t> train{0, 1};
  const auto votes =
      Neighbours(examples, train, {5, false}).probabilities(std::vector<uint32_t>{2});
  EXPECT_GT(votes[0], 0.99);
}

TEST(NeighboursTest, NeedsRowsAndNeighbours) {
  const ExampleSet examples = random_rows(3);
  const std::vector<uint32_t> train{0};
  EXPECT_THROW(Neighbours(examples, {}, {}), Error);
  EXPECT_THROW(Neighbours(examples, train, {0, false}), Error);
}

}  // namespace
}  // namespace flowmark
