#include "classify/verdict.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace flowmark {
namespace {

VerdictPolicy policy(float confidence = 0.6F, float hysteresis = 0.1F, uint32_t votes = 4) {
  VerdictPolicy p;
  p.confidence = confidence;
  p.hysteresis = hysteresis;
  p.votes = votes;
  return p;
}

struct Voter {
  VerdictState state;
  std::vector<float> voted{0, 0};
  VerdictPolicy rules = policy();

  VerdictChange operator()(float first, bool provisional = false) {
    const std::vector<float> window{first, 1 - first};
    return vote(state, voted, window, provisional, rules);
  }
};

TEST(Vote, GivesAVerdictAtTheFirstConfidentWindow) {
  Voter voter;
  EXPECT_EQ(voter(0.9F), VerdictChange::given);
  EXPECT_EQ(voter.state.class_index, 0);
  EXPECT_FLOAT_EQ(voter.voted[0], 0.9F);
}

TEST(Vote, AbstainsBelowTheConfidence) {
  Voter voter;
  EXPECT_EQ(voter(0.55F), VerdictChange::none);
  EXPECT_EQ(voter.state.class_index, kNoClass);
}

TEST(Vote, WindowsThatVoteForNoClassWithdrawTheVerdict) {
  Voter voter;
  const std::vector<float> none{0, 0};
  const auto vote_for_none = [&] {
    return vote(voter.state, voter.voted, none, false, voter.rules);
  };
  EXPECT_EQ(vote_for_none(), VerdictChange::none);
  for (int i = 0; i < 8; ++i) voter(0.9F);
  ASSERT_EQ(voter.state.class_index, 0);
  EXPECT_EQ(vote_for_none(), VerdictChange::none) << "one of four";
  EXPECT_EQ(vote_for_none(), VerdictChange::abstained);
  voter = Voter();
  voter.rules = policy(0);
  EXPECT_EQ(vote_for_none(), VerdictChange::none) << "no vote gives a verdict, at no confidence";
}

TEST(Vote, AveragesTheNewestWindows) {
  Voter voter;
  for (float p : {0.8F, 0.6F, 1.0F}) voter(p);
  EXPECT_NEAR(voter.voted[0], 0.8, 1e-6);
}

TEST(Vote, OneOddWindowDoesNotTurnAVerdict) {
  Voter voter;
  for (int i = 0; i < 4; ++i) voter(0.95F);
  EXPECT_EQ(voter(0.05F), VerdictChange::none);
  EXPECT_EQ(voter.state.class_index, 0);
}

TEST(Vote, ATurnedFlowChangesItsVerdictAfterAFewWindows) {
  Voter voter;
  for (int i = 0; i < 50; ++i) voter(0.95F);
  int windows = 0;
  while (voter.state.class_index == 0 || voter.state.class_index == kNoClass) {
    voter(0.05F);
    ASSERT_LT(++windows, 12);
  }
  EXPECT_EQ(voter.state.class_index, 1);
}

TEST(Vote, ANarrowLeadDoesNotReplaceTheStandingClass) {
  Voter voter;
  voter.rules = policy(0.4F, 0.3F, 1);
  EXPECT_EQ(voter(0.9F), VerdictChange::given);
  EXPECT_EQ(voter(0.45F), VerdictChange::none);
  EXPECT_EQ(voter.state.class_index, 0);
  EXPECT_EQ(voter(0.2F), VerdictChange::changed);
}

TEST(Vote, WithdrawsAVerdictThatLostItsConfidence) {
  Voter voter;
  voter.rules = policy(0.8F, 0.1F, 1);
  EXPECT_EQ(voter(0.9F), VerdictChange::given);
  EXPECT_EQ(voter(0.75F), VerdictChange::none);  // within the hysteresis
  EXPECT_EQ(voter(0.5F), VerdictChange::abstained);
  EXPECT_EQ(voter.state.class_index, kNoClass);
}

TEST(Vote, ProvisionalWindowsWeighAtLeastAHalf) {
  Voter voter;
  for (int i = 0; i < 10; ++i) voter(0.0F, true);
  voter(1.0F, true);
  EXPECT_NEAR(voter.voted[0], 0.5, 1e-6);
  EXPECT_FALSE(voter.state.settled);
  voter(1.0F, false);
  EXPECT_TRUE(voter.state.settled);
}

TEST(Vote, AScoreThatIsNotFiniteIsNoVerdictAndSpoilsNothing) {
  for (const float odd :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Voter voter;
    EXPECT_EQ(voter(odd), VerdictChange::none);
    EXPECT_EQ(voter.state.class_index, kNoClass);
    EXPECT_EQ(voter.state.windows, 0);
    EXPECT_EQ(voter(0.9F), VerdictChange::given);
    EXPECT_EQ(voter(odd), VerdictChange::none);
    EXPECT_FLOAT_EQ(voter.voted[0], 0.9F);
  }
}

TEST(Vote, ALabelWithAScoreThatIsNotFiniteIsNotThere) {
  VerdictState state;
  std::vector<float> voted{0, 0};
  uint32_t labels = 0;
  const std::vector<float> thresholds{0.5F, 0.5F};
  const std::vector<float> odd{std::numeric_limits<float>::infinity(), 0.1F}, good{0.1F, 0.9F};
  EXPECT_EQ(vote_labels(state, labels, voted, odd, false, thresholds, policy()),
            VerdictChange::none);
  EXPECT_EQ(vote_labels(state, labels, voted, good, false, thresholds, policy()),
            VerdictChange::given);
  EXPECT_EQ(labels, 0b10U);
}

TEST(Vote, ManyWindowsDoNotWrapTheCount) {
  Voter voter;
  for (int i = 0; i < 70000; ++i) voter(0.9F);
  EXPECT_EQ(voter.state.windows, UINT16_MAX);
  EXPECT_NEAR(voter.voted[0], 0.9, 1e-4);
}

}  // namespace
}  // namespace flowmark
