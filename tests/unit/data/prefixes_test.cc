#include "data/prefixes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark {
namespace {

using testing::ElementsAre;

FeatureSpec spec(const std::string& json) {
  return FeatureSpec::from_json(json, "test");
}

std::vector<std::string> names(const std::vector<FlowPrefix>& prefixes) {
  std::vector<std::string> names;
  for (const FlowPrefix& prefix : prefixes) names.push_back(to_string(prefix));
  return names;
}

TEST(TrainingPrefixes, AreShorterThanAWindow) {
  EXPECT_THAT(names(training_prefixes(spec(R"({"kind":"size_iat","window_packets":64})"))),
              ElementsAre("10 packets", "16 packets", "32 packets"));
  EXPECT_THAT(names(training_prefixes(spec(R"({"kind":"flowpic","window_s":10})"))),
              ElementsAre("1 s", "2 s", "5 s"));
  EXPECT_THAT(names(training_prefixes(spec(R"({"kind":"flow_numbers"})"))),
              ElementsAre("10 packets", "16 packets", "32 packets", "64 packets", "128 packets",
                          "256 packets", "512 packets", "1024 packets"));
}

TEST(EvaluationPrefixes, WhatHasNoLimitSuitsAllOfThem) {
  const std::vector<FeatureSpec> one = {spec(R"({"kind":"flow_numbers"})")};
  EXPECT_EQ(evaluation_prefixes(one).size(), 15U);
}

TEST(EvaluationPrefixes, SuitAllModels) {
  const std::vector<FeatureSpec> both = {spec(R"({"kind":"size_iat","window_packets":32})"),
                                         spec(R"({"kind":"flowpic","window_s":5})")};
  EXPECT_THAT(names(evaluation_prefixes(both)),
              ElementsAre("0.5 s", "1 s", "2 s", "10 packets", "16 packets"));
}

TEST(EvaluationPrefixes, AskPicturesForPacketsToo) {
  const std::vector<FeatureSpec> one = {spec(R"({"kind":"flowpic","window_s":1})")};
  EXPECT_THAT(names(evaluation_prefixes(one)),
              ElementsAre("0.5 s", "10 packets", "16 packets", "32 packets", "64 packets",
                          "128 packets", "256 packets", "512 packets"));
}

TEST(SortPrefixes, PutsTimeBeforePackets) {
  std::vector<FlowPrefix> prefixes = {{16, 0}, {0, 2 * kUsPerSecond}, {4, 0}, {0, kUsPerSecond}};
  sort_prefixes(prefixes);
  EXPECT_THAT(names(prefixes), ElementsAre("1 s", "2 s", "4 packets", "16 packets"));
}

}  // namespace
}  // namespace flowmark
