#include "evaluate/set_evaluation.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/evaluate/answers.h"

namespace flowmark {
namespace {

using ::testing::HasSubstr;

TEST(SetEvaluation, CountsWindowsFlowsAndPrefixes) {
  SetEvaluation evaluation({"chat", "p2p", "voip"}, {{10, 0}}, {0.5F, 0.5F, 0.5F});
  // chat+voip: one window misses voip, the mean of both finds it.
  evaluation.add_flow(
      5, std::vector<Answer>{answer(0, {0.1F, 0.2F, 0.3F}), answer(kFull, {0.9F, 0.1F, 0.4F}),
                             answer(kFull, {0.9F, 0.1F, 0.8F})});
  EXPECT_EQ(evaluation.windows().total(), 2U);
  EXPECT_DOUBLE_EQ(evaluation.windows().exact_match(), 0.5);
  EXPECT_DOUBLE_EQ(evaluation.windows().hamming_loss(), 1.0 / 6);
  EXPECT_DOUBLE_EQ(evaluation.flows().exact_match(), 1);
  EXPECT_DOUBLE_EQ(evaluation.at_prefixes()[0].scores.hamming_loss(), 2.0 / 3);
  EXPECT_EQ(evaluation.taken_for().at(5).at(1), 1U);
  EXPECT_EQ(evaluation.taken_for().at(5).at(5), 1U);
  const auto sets = evaluation.true_sets();
  ASSERT_EQ(sets.size(), 1U);
  EXPECT_EQ(sets[0].name, "chat+voip");
  EXPECT_EQ(sets[0].count, 2U);
  EXPECT_DOUBLE_EQ(sets[0].exact_match(), 0.5);
  EXPECT_EQ(sets[0].worst, "chat");
  EXPECT_EQ(sets[0].worst_count, 1U);
}

TEST(SetEvaluation, EveryLabelHasItsOwnThreshold) {
  SetEvaluation evaluation({"a", "b"}, {}, {0.2F, 0.9F});
  evaluation.add_flow(1, std::vector<Answer>{answer(kFull, {0.3F, 0.8F})});
  EXPECT_DOUBLE_EQ(evaluation.windows().exact_match(), 1);
}

TEST(SetEvaluation, IntervalsAreDrawnByGroup) {
  SetEvaluation evaluation({"a", "b"}, {}, {});
  for (uint32_t i = 0; i < 40; ++i) {  // a quarter of the groups has b wrong
    evaluation.add_flow(3, std::vector<Answer>{answer(kFull, {0.9F, i % 4 == 0 ? 0.1F : 0.9F})},
                        i / 2);
  }
  const auto found = evaluation.intervals(false, {500, 0.95, 1});
  EXPECT_EQ(found.groups, 20U);
  EXPECT_LT(found.exact_match.low, 0.75);
  EXPECT_GT(found.exact_match.high, 0.75);
  EXPECT_NEAR(found.hamming_loss.low, (1 - found.exact_match.high) / 2, 1e-9);
  const auto json = evaluation.details_json({500, 0.95, 1});
  EXPECT_EQ(json["windows"]["groups"], 20);
  EXPECT_EQ(json["sets"][0]["truth"], "a+b");
  EXPECT_EQ(json["sets"][0]["answers"]["a"], 10);
}

TEST(SetEvaluation, SaysItToPeople) {
  SetEvaluation evaluation({"chat", "voip"}, {{10, 0}}, {0.5F, 0.25F});
  evaluation.add_flow(3, std::vector<Answer>{answer(0, {0.9F, 0.1F}), answer(kFull, {0.9F, 0.3F})});
  evaluation.add_flow(1, std::vector<Answer>{answer(kFull, {0.9F, 0.4F})});
  const std::string text = evaluation.to_text() + evaluation.details_text({100, 0.95, 1});
  EXPECT_THAT(text, HasSubstr("exact match 50.00%, Hamming loss 25.00%, 2 windows"));
  EXPECT_THAT(text, HasSubstr("chat 0.500, voip 0.250"));
  EXPECT_THAT(text, HasSubstr("chat+voip (1)"));
  EXPECT_EQ(evaluation.to_json()["thresholds"]["voip"], 0.25);
  EXPECT_EQ(evaluation.to_json()["prefixes"][0]["exact_match"], 0.0);
}

}  // namespace
}  // namespace flowmark
