#include "learn/open_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

TEST(OpenSet, TheShareOfWindowsCalledAClassLiesAboveItsThreshold) {
  std::vector<uint32_t> answers;
  std::vector<float> disagreements;
  for (uint32_t i = 0; i <= 100; ++i) {
    answers.insert(answers.end(), {0, 1});
    disagreements.insert(disagreements.end(),
                         {static_cast<float>(i) / 100, static_cast<float>(100 - i) / 50});
  }
  EXPECT_THAT(choose_most_disagreement(answers, disagreements, 2, 0.05),
              ElementsAre(FloatEq(0.95F), FloatEq(1.9F)));
}

TEST(OpenSet, AClassThatNoWindowIsCalledTakesTheThresholdOfAll) {
  const std::vector<uint32_t> answers{0, 0, 2};
  const std::vector<float> disagreements{0.1F, 0.2F, 0.6F};
  EXPECT_THAT(choose_most_disagreement(answers, disagreements, 3, 0.0),
              ElementsAre(FloatEq(0.2F), FloatEq(0.6F), FloatEq(0.6F)));
}

TEST(OpenSet, WithoutWindowsThereIsNoRule) {
  EXPECT_TRUE(choose_most_disagreement({}, {}, 3, 0.05).empty());
}

}  // namespace
}  // namespace flowmark
