#include "learn/label_calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace flowmark {
namespace {

/// Label 0 is there with probability sigma(6 s - 4) at score s; label 1 whenever s > 0.3.
struct Data {
  std::vector<double> scores;
  std::vector<uint64_t> sets;

  explicit Data(size_t rows) {
    std::mt19937_64 dice(7);
    std::uniform_real_distribution<double> unit(0, 1);
    for (size_t i = 0; i < rows; ++i) {
      const double first = unit(dice);
      const double second = unit(dice);
      const bool is_first = unit(dice) < 1 / (1 + std::exp(4 - 6 * first));
      scores.insert(scores.end(), {first, second});
      sets.push_back((is_first ? 1U : 0U) | (second > 0.3 ? 2U : 0U));
    }
  }
};

TEST(ScaleLabels, FindsTheLogisticFunctionBehindTheScores) {
  const Data data(20000);
  const auto scales = scale_labels(data.scores, data.sets, 2, 0.005);
  ASSERT_EQ(scales.size(), 2U);
  EXPECT_NEAR(scales[0].slope, 6, 0.3);
  EXPECT_NEAR(scales[0].offset, -4, 0.2);
  EXPECT_GT(scales[1].probability(0.35), 0.9);
  EXPECT_LT(scales[1].probability(0.25), 0.1);
}

TEST(ScaleLabels, LeavesScoresThatAreRightAlreadyAndLabelsThatTellNothing) {
  std::mt19937_64 dice(3);
  std::uniform_real_distribution<double> unit(0.05, 0.95);
  std::vector<double> scores;
  std::vector<uint64_t> sets;
  for (int i = 0; i < 5000; ++i) {
    scores.push_back(unit(dice));
    sets.push_back(std::uniform_real_distribution<double>(0, 1)(dice) < scores.back() ? 1 : 0);
  }
  EXPECT_TRUE(scale_labels(scores, sets, 1, 0.005).empty());
  const std::vector<uint64_t> never(scores.size(), 0);
  EXPECT_TRUE(scale_labels(scores, never, 1, 0.005).empty());
}

TEST(ChooseThresholds, FewestWrongAnswersAndHowSureOneCanBe) {
  // By probability: .9 yes, .8 yes, .7 no, .4 yes, .2 no.
  const std::vector<float> probabilities = {0.9F, 0.8F, 0.7F, 0.4F, 0.2F};
  const std::vector<uint64_t> sets = {1, 1, 0, 1, 0};
  const auto chosen = choose_thresholds(probabilities, sets, 1, 0.99);
  ASSERT_EQ(chosen.size(), 1U);
  // 1/2 makes two mistakes; above .75 or above .3 there is one, and .3 is nearer to 1/2.
  EXPECT_NEAR(chosen[0].threshold, 0.3, 1e-6);
  EXPECT_NEAR(chosen[0].sure, 0.75, 1e-6);
  EXPECT_NEAR(chosen[0].found, 2.0 / 3, 1e-6);
}

TEST(ChooseThresholds, KeepsOneHalfWhereNothingIsBetter) {
  const std::vector<float> probabilities = {0.9F, 0.6F, 0.4F, 0.1F};
  const auto chosen = choose_thresholds(probabilities, std::vector<uint64_t>{1, 1, 0, 0}, 1, 0.99);
  EXPECT_EQ(chosen[0].threshold, 0.5);
  EXPECT_NEAR(chosen[0].sure, 0.5, 1e-6);
  EXPECT_EQ(chosen[0].found, 1);
}

TEST(ChooseThresholds, NothingIsSureWhereTheSurestAnswersAreWrong) {
  const std::vector<float> probabilities = {0.9F, 0.8F, 0.1F};
  const auto chosen = choose_thresholds(probabilities, std::vector<uint64_t>{0, 1, 0}, 1, 0.99);
  EXPECT_EQ(chosen[0].sure, 1);
  EXPECT_EQ(chosen[0].found, 0);
}

}  // namespace
}  // namespace flowmark
