#include "evaluate/evaluation.h"

#include <nlohmann/json.hpp>

#include "data/label_sets.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/evaluate/answers.h"

namespace flowmark {
namespace {

TEST(Evaluation, AFlowIsJudgedByTheMeanOfItsFullWindows) {
  Evaluation evaluation({"a", "b"}, {{10, 0}});
  evaluation.add_flow(
      0, std::vector<Answer>{answer(0, {0.1F, 0.9F}), answer(ExampleInfo::kTile, {0.4F, 0.6F}),
                             answer(ExampleInfo::kTile, {0.9F, 0.1F})});
  EXPECT_EQ(evaluation.windows().total(), 2U);
  EXPECT_DOUBLE_EQ(evaluation.windows().accuracy(), 0.5);
  EXPECT_DOUBLE_EQ(evaluation.flows().accuracy(), 1);
  ASSERT_EQ(evaluation.flow_judgements().size(), 1U);
  EXPECT_NEAR(evaluation.flow_judgements()[0].confidence, 0.65, 1e-6);
  EXPECT_EQ(evaluation.at_prefixes()[0].confusion.count(0, 1), 1U);
}

TEST(Evaluation, WithoutFullWindowsTheLongestPrefixCounts) {
  Evaluation evaluation({"a", "b"}, {{10, 0}, {20, 0}});
  evaluation.add_flow(1, std::vector<Answer>{answer(0, {0.9F, 0.1F}), answer(1, {0.3F, 0.7F}),
                                             answer(1, {0.2F, 0.8F})});
  EXPECT_EQ(evaluation.flows().count(1, 1), 1U);
  EXPECT_NEAR(evaluation.flow_judgements()[0].confidence, 0.75, 1e-6);
  EXPECT_EQ(evaluation.window_judgements().size(), 0U);
}

TEST(Evaluation, FlowsOfAGroupAreOneWitness) {
  Evaluation evaluation({"a", "b"}, {});
  for (uint32_t i = 0; i < 6; ++i) {
    evaluation.add_flow(0, std::vector<Answer>{answer(ExampleInfo::kTile, {0.9F, 0.1F})}, i / 3);
  }
  const auto details = evaluation.details_json({100, 0.95, 1});
  EXPECT_EQ(details["flows"]["intervals"]["groups"], 2);
  EXPECT_EQ(details["bootstrap"]["replicates"], 100);
  EXPECT_NEAR(details["flows"]["expected_calibration_error"].get<double>(), 0.1, 1e-6);
  EXPECT_NE(evaluation.details_text({100, 0.95, 1}).find("2 groups"), std::string::npos);
}

TEST(Evaluation, WithoutReplicatesThereAreNoIntervals) {
  Evaluation evaluation({"a", "b"}, {});
  evaluation.add_flow(0, std::vector<Answer>{answer(ExampleInfo::kTile, {0.9F, 0.1F})});
  EXPECT_FALSE(evaluation.details_json({0, 0.95, 1})["flows"].contains("intervals"));
}

TEST(LabelSet, NamesSeveralClasses) {
  const std::vector<std::string> classes = {"chat", "video", "voip"};
  EXPECT_EQ(label_set("video", classes, "x"), 2U);
  EXPECT_EQ(label_set("voip+chat", classes, "x"), 5U);
  try {
    label_set("voip+mail", classes, "data.yaml:3");
    FAIL() << "took a label that is no class";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("data.yaml:3"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("'mail'"), std::string::npos);
  }
  EXPECT_THROW(label_set("voip+", classes, "x"), Error);
}

}  // namespace
}  // namespace flowmark
