#include "classify/verdict_condition.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

/// A verdict of class 1 with this confidence.
VerdictView sure(float confidence) {
  return {.has_answered = true,
          .standing = 0b10,
          .likeliest = 0b10,
          .confidence = confidence,
          .hysteresis = 0.1F};
}

/// No verdict; class 0 is the likeliest.
VerdictView abstaining() {
  return {.has_answered = true, .standing = 0, .likeliest = 0b01, .confidence = 0.3F};
}

VerdictCondition below(float bound) {
  return {.below = bound};
}
VerdictCondition above(float bound) {
  return {.above = bound};
}

TEST(VerdictCondition, ClassesAloneNeedAVerdictOfOneOfThem) {
  const VerdictCondition condition{.class_mask = 0b10};
  EXPECT_TRUE(condition.holds(sure(0.1F), false));
  EXPECT_FALSE(VerdictCondition{.class_mask = 0b01}.holds(sure(0.9F), false));
  EXPECT_FALSE(VerdictCondition{.class_mask = 0b01}.holds(abstaining(), false));
}

TEST(VerdictCondition, BelowIsWhereTheVerdictIsLessSureOrThereIsNone) {
  EXPECT_TRUE(below(0.8F).holds(sure(0.79F), false));
  EXPECT_FALSE(below(0.8F).holds(sure(0.8F), false));
  EXPECT_TRUE(below(0.8F).holds(abstaining(), false));
}

TEST(VerdictCondition, AboveIsWhereTheVerdictIsAsSureOrSurer) {
  EXPECT_TRUE(above(0.8F).holds(sure(0.8F), false));
  EXPECT_FALSE(above(0.8F).holds(sure(0.79F), false));
  EXPECT_FALSE(above(0.0F).holds(abstaining(), false));
}

TEST(VerdictCondition, BothBoundsLeaveWhatIsBetween) {
  const VerdictCondition condition{.below = 0.8F, .above = 0.5F};
  EXPECT_FALSE(condition.holds(sure(0.49F), false));
  EXPECT_TRUE(condition.holds(sure(0.5F), false));
  EXPECT_FALSE(condition.holds(sure(0.8F), false));
  EXPECT_FALSE(condition.holds(abstaining(), false));
}

TEST(VerdictCondition, AModelThatHasNotAnsweredFulfilsNone) {
  EXPECT_FALSE(below(0.8F).holds({.likeliest = 1}, false));
  EXPECT_FALSE(above(0.0F).holds({.likeliest = 1}, false));
}

TEST(VerdictCondition, WithClassesBothMustHold) {
  const VerdictCondition condition{.class_mask = 0b10, .below = 0.8F};
  EXPECT_TRUE(condition.holds(sure(0.7F), false));
  EXPECT_FALSE(condition.holds(sure(0.9F), false));
  VerdictView other = sure(0.7F);
  other.standing = 0b01;
  EXPECT_FALSE(condition.holds(other, false));
}

TEST(VerdictCondition, OneThatAbstainsCountsWithItsLikeliestClass) {
  EXPECT_TRUE((VerdictCondition{.class_mask = 0b01, .below = 0.8F}).holds(abstaining(), false));
  EXPECT_FALSE((VerdictCondition{.class_mask = 0b10, .below = 0.8F}).holds(abstaining(), false));
}

TEST(VerdictCondition, ItEndsOnlyAHysteresisBeyondTheBound) {
  EXPECT_TRUE(below(0.7F).holds(sure(0.79F), true));
  EXPECT_FALSE(below(0.7F).holds(sure(0.81F), true));
  EXPECT_TRUE(above(0.7F).holds(sure(0.61F), true));
  EXPECT_FALSE(above(0.7F).holds(sure(0.59F), true));
}

TEST(VerdictCondition, NearTheEndsOfTheRangeItCanStillEnd) {
  EXPECT_TRUE(below(0.96F).holds(sure(0.97F), true));
  EXPECT_FALSE(below(0.96F).holds(sure(0.985F), true));
  EXPECT_TRUE(above(0.04F).holds(sure(0.03F), true));
  EXPECT_FALSE(above(0.04F).holds(sure(0.015F), true));
}

}  // namespace
}  // namespace flowmark
