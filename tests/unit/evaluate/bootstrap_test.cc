#include "evaluate/bootstrap.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "base/error.h"
#include "evaluate/reliability.h"

namespace flowmark {
namespace {

const std::vector<std::string> kClasses = {"chat", "video"};

/// `groups` groups of `size` answers; in every fifth group all are wrong.
std::vector<Judgement> grouped(uint32_t groups, uint32_t size) {
  std::vector<Judgement> all;
  for (uint32_t g = 0; g < groups; ++g) {
    for (uint32_t i = 0; i < size; ++i) {
      const uint32_t truth = g % 2;
      all.push_back({g, truth, g % 5 == 0 ? 1 - truth : truth, 0.8F});
    }
  }
  return all;
}

TEST(Bootstrap, IntervalOfAShareIsThatOfTheBinomial) {
  const auto judgements = grouped(400, 1);  // 80% of 400: standard error 2%
  const ConfidentScores scores = confident_scores(kClasses, judgements, {2000, 0.95, 7});
  EXPECT_EQ(scores.groups, 400U);
  EXPECT_NEAR(scores.accuracy.low, 0.80 - 1.96 * 0.02, 0.008);
  EXPECT_NEAR(scores.accuracy.high, 0.80 + 1.96 * 0.02, 0.008);
  ASSERT_EQ(scores.classes.size(), 2U);
  EXPECT_LT(scores.classes[0].recall.low, 0.8);
  EXPECT_GT(scores.classes[0].recall.high, 0.8);
}

TEST(Bootstrap, AnswersOfOneGroupCountAsOneWitness) {
  // The same number of answers in a tenth of the groups: less is known.
  const auto wide = confident_scores(kClasses, grouped(40, 10), {1000, 0.95, 1}).accuracy;
  const auto narrow = confident_scores(kClasses, grouped(400, 1), {1000, 0.95, 1}).accuracy;
  EXPECT_GT(wide.high - wide.low, 2 * (narrow.high - narrow.low));
}

TEST(Bootstrap, OneGroupShowsNoSpread) {
  const std::vector<Judgement> one = {{3, 0, 0, 1}, {3, 1, 0, 1}};
  const auto accuracy = confident_scores(kClasses, one, {}).accuracy;
  EXPECT_EQ(accuracy.low, 0.5);
  EXPECT_EQ(accuracy.high, 0.5);
}

TEST(Bootstrap, SameSeedSameInterval) {
  const auto judgements = grouped(100, 3);
  const auto a = confident_scores(kClasses, judgements, {500, 0.9, 5}).to_json(kClasses);
  EXPECT_EQ(a, confident_scores(kClasses, judgements, {500, 0.9, 5}).to_json(kClasses));
  EXPECT_NE(a, confident_scores(kClasses, judgements, {500, 0.9, 6}).to_json(kClasses));
}

TEST(Bootstrap, RefusesNonsense) {
  EXPECT_THROW(confident_scores(kClasses, {}, {}), Error);
  EXPECT_THROW(confident_scores(kClasses, grouped(2, 1), {0, 0.95, 1}), Error);
  EXPECT_THROW(confident_scores(kClasses, grouped(2, 1), {10, 1.0, 1}), Error);
}

TEST(Reliability, ErrorIsTheDistanceOfConfidenceAndAccuracy) {
  std::vector<Judgement> judgements;
  for (uint32_t i = 0; i < 100; ++i) {
    judgements.push_back({i, 0, i < 70 ? 0U : 1U, 0.9F});   // 70% right, claims 90%
    judgements.push_back({i, 0, i < 55 ? 0U : 1U, 0.55F});  // as right as it claims
  }
  const Reliability reliability = reliability_of(judgements, 10);
  EXPECT_NEAR(reliability.expected_error, 0.5 * 0.2, 1e-6);
  EXPECT_NEAR(reliability.largest_error, 0.2, 1e-6);
  EXPECT_EQ(reliability.bins[5].count, 100U);
  EXPECT_NEAR(reliability.bins[5].accuracy, 0.55, 1e-9);
  EXPECT_EQ(reliability.bins[2].count, 0U);
  EXPECT_THROW(reliability_of(judgements, 0), Error);
}

TEST(Reliability, CertaintyFallsIntoTheLastBin) {
  const std::vector<Judgement> sure = {{0, 1, 1, 1.0F}};
  EXPECT_EQ(reliability_of(sure, 4).bins[3].count, 1U);
}

TEST(Reliability, AThresholdWithholdsAnswersAndRaisesAccuracy) {
  std::vector<Judgement> judgements;
  for (uint32_t i = 0; i < 10; ++i) {
    judgements.push_back({i, 0, 0, 0.97F});
    judgements.push_back({i, 0, i < 5 ? 0U : 1U, 0.6F});
  }
  for (const CoveragePoint& point : coverage_of(judgements)) {
    if (point.threshold < 0.6) {
      EXPECT_DOUBLE_EQ(point.coverage, 1);
      EXPECT_DOUBLE_EQ(point.accuracy, 0.75);
    } else if (point.threshold > 0.61 && point.threshold < 0.96) {
      EXPECT_DOUBLE_EQ(point.coverage, 0.5);
      EXPECT_DOUBLE_EQ(point.accuracy, 1);
    } else if (point.threshold > 0.98) {
      EXPECT_DOUBLE_EQ(point.coverage, 0);
    }
  }
  EXPECT_EQ(confidence_json(judgements)["coverage"].size(), coverage_of(judgements).size());
}

}  // namespace
}  // namespace flowmark
