#include "evaluate/metrics.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(MultiLabelScores, CountsLabelsAndWindows) {
  MultiLabelScores scores({"voip", "web", "tor"});
  scores.add(0b011, 0b011);
  scores.add(0b001, 0b011);  // web is a false alarm
  scores.add(0b010, 0b000);  // web is missed
  scores.add(0b000, 0b000);
  EXPECT_EQ(scores.total(), 4U);
  EXPECT_DOUBLE_EQ(scores.exact_match(), 0.5);
  EXPECT_DOUBLE_EQ(scores.hamming_loss(), 2.0 / 12);
  EXPECT_DOUBLE_EQ(scores.precision(0), 1);
  EXPECT_DOUBLE_EQ(scores.recall(0), 1);
  EXPECT_DOUBLE_EQ(scores.precision(1), 0.5);
  EXPECT_DOUBLE_EQ(scores.recall(1), 0.5);
  EXPECT_DOUBLE_EQ(scores.f1(1), 0.5);
  EXPECT_EQ(scores.support(2), 0U);
  EXPECT_DOUBLE_EQ(scores.f1(2), 0);
  EXPECT_DOUBLE_EQ(scores.macro_f1(), 0.75) << "of the labels that occur";
  const auto json = scores.to_json();
  EXPECT_EQ(json["labels"]["web"]["support"], 2);
  EXPECT_DOUBLE_EQ(json["hamming_loss"].get<double>(), 2.0 / 12);
  EXPECT_THAT(scores.to_table(), HasSubstr("exact match 50.00%, Hamming loss 16.67%, 4 windows"));
}

TEST(MultiLabelScores, SaysYesAboveTheThreshold) {
  MultiLabelScores scores({"a", "b"});
  const std::vector<float> probabilities = {0.5F, 0.7F};
  scores.add(0b10, probabilities);
  EXPECT_DOUBLE_EQ(scores.exact_match(), 1);
  scores.add(0b11, probabilities, 0.4F);
  EXPECT_DOUBLE_EQ(scores.exact_match(), 1);
  scores.add(0b11, probabilities, 0.8F);
  EXPECT_DOUBLE_EQ(scores.hamming_loss(), 2.0 / 6);
}

TEST(MultiLabelScores, RefusesWhatDoesNotFit) {
  EXPECT_THAT([] { MultiLabelScores scores({}); }, ThrowsMessage<Error>(HasSubstr("0 labels")));
  MultiLabelScores scores({"a", "b"});
  EXPECT_THAT([&] { scores.add(1, std::vector<float>{0.5F}); },
              ThrowsMessage<Error>(HasSubstr("1 probabilities for 2 labels")));
}

}  // namespace
}  // namespace flowmark
