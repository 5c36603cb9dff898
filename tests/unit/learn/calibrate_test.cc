#include "learn/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace flowmark {
namespace {

TEST(Calibrate, FindsTheTemperatureOfTheScores) {
  // Two classes; the score difference d should mean a probability of logistic(d / 3).
  std::vector<double> scores;
  std::vector<uint32_t> labels;
  for (const double difference : {-6.0, -3.0, 0.0, 3.0, 6.0}) {
    const double p = 1 / (1 + std::exp(-difference / 3));
    for (int i = 0; i < 1000; ++i) {
      scores.insert(scores.end(), {0, difference});
      labels.push_back(i < std::lround(1000 * p) ? 1 : 0);
    }
  }
  EXPECT_NEAR(calibrate_scores(scores, labels, 2).temperature, 3, 0.02);
  EXPECT_EQ(calibrate_scores({}, {}, 2).temperature, 1);
}

TEST(Abstention, TakesTheLowestThresholdThatReachesTheAccuracy) {
  // Right above 0.7, wrong at 0.65, half right at 0.6.
  const std::vector<float> p{0.9F,  0.1F,  0.2F,  0.8F,  0.7F, 0.3F, 0.3F, 0.7F,
                             0.65F, 0.35F, 0.35F, 0.65F, 0.6F, 0.4F, 0.4F, 0.6F};
  const std::vector<uint32_t> labels{0, 1, 0, 1, 1, 0, 0, 1};
  const auto strict = choose_abstention(p, labels, 2, 1.0);
  ASSERT_TRUE(strict);
  EXPECT_TRUE(strict->reached);
  EXPECT_FLOAT_EQ(static_cast<float>(strict->threshold), 0.7F);
  EXPECT_NEAR(strict->coverage, 0.5, 1e-12);
  EXPECT_NEAR(strict->accuracy, 1, 1e-12);
  const auto lax = choose_abstention(p, labels, 2, 0.74);
  EXPECT_FLOAT_EQ(static_cast<float>(lax->threshold), 0.6F);
  EXPECT_NEAR(lax->coverage, 1, 1e-12);
  EXPECT_FALSE(choose_abstention({}, {}, 2, 0.9));
}

TEST(Abstention, SaysWhenNoThresholdReachesTheAccuracy) {
  const std::vector<float> p{0.9F, 0.1F, 0.2F, 0.8F, 0.7F, 0.3F, 0.3F, 0.7F};
  const std::vector<uint32_t> labels{1, 0, 0, 1};  // the surest two are wrong
  const auto chosen = choose_abstention(p, labels, 2, 0.9);
  EXPECT_FALSE(chosen->reached);
  EXPECT_FLOAT_EQ(static_cast<float>(chosen->threshold), 0.7F);
  EXPECT_NEAR(chosen->accuracy, 0.5, 1e-12);
}

}  // namespace
}  // namespace flowmark
