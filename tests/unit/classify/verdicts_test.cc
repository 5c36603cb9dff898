#include "classify/verdicts.h"

#include <gtest/gtest.h>

#include <limits>

#include "unit/classify/worker_flows.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::size_model;
using testing::WorkerFlows;

class VerdictsTest : public ::testing::Test, private VerdictSink {
 protected:
  VerdictsTest() {
    flows_.on_end = [this](FlowId id) { verdicts_.end(id); };
  }

  void use(std::vector<ActiveModel> models) {
    flows_.use(std::move(models));
    verdicts_.use_models(*flows_.prepared);
  }
  /// A model says that it is class 0 with this probability.
  void answer(FlowId id, uint8_t model, float small, bool provisional = true) {
    const std::array probabilities{small, 1 - small};
    verdicts_.add(id, {model, provisional, flows_.now_us, probabilities});
  }
  uint64_t flows_now(size_t model, size_t c) const {
    return flows_.counters->models[model].flows_now[c].get();
  }

  WorkerFlows flows_;
  FlowNews news_{flows_.table, flows_.states, nullptr};
  Verdicts verdicts_{flows_.table, flows_.states, news_, *flows_.counters, this};
  std::vector<VerdictEvent> told_;

 private:
  void on_verdict(const VerdictEvent& event) noexcept override { told_.push_back(event); }
};

TEST_F(VerdictsTest, AnAnswerBecomesAVerdictAMarkAndAnEvent) {
  use({active(size_model(histogram_spec()))});
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.9F);
  EXPECT_EQ(flows_.table[id].mark, dscp::kExpedited);
  EXPECT_EQ(flows_now(0, 0), 1U);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].class_index, 0);
  EXPECT_EQ(told_[0].mark, dscp::kExpedited);
  EXPECT_EQ(told_[0].packets, 5U);
  EXPECT_EQ(told_[0].bytes, 1000U);
  EXPECT_FLOAT_EQ(told_[0].confidence, 0.9F);
  EXPECT_EQ(told_[0].time_us - told_[0].flow_start_us, 40'000);
}

TEST_F(VerdictsTest, ItTellsAgainWhenAFullWindowConfirms) {
  use({active(size_model(histogram_spec()))});
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.9F);
  answer(id, 0, 0.9F);
  EXPECT_EQ(told_.size(), 1U);
  answer(id, 0, 0.9F, false);
  answer(id, 0, 0.9F, false);
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_FALSE(told_[1].provisional);
}

TEST_F(VerdictsTest, BelowTheConfidenceItAbstains) {
  use({active(size_model(histogram_spec()))});
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.5F);
  EXPECT_EQ(flows_.table[id].mark, kNoMark);
  EXPECT_EQ(flows_.counters->models[0].abstentions.get(), 1U);
  EXPECT_TRUE(told_.empty());
}

TEST_F(VerdictsTest, AnAnswerThatIsNotFiniteIsCountedAndNoVerdict) {
  use({active(size_model(histogram_spec()))});
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(flows_.table[id].mark, kNoMark);
  EXPECT_EQ(flows_.counters->models[0].not_finite.get(), 1U);
  EXPECT_EQ(flows_.counters->models[0].abstentions.get(), 0U);
  EXPECT_TRUE(told_.empty());
  answer(id, 0, 0.9F);
  ASSERT_EQ(told_.size(), 1U) << "a later finite answer is a verdict like any other";
  EXPECT_FLOAT_EQ(told_[0].confidence, 0.9F);
}

TEST_F(VerdictsTest, AnUnfamiliarAnswerIsCountedAndVotesForNoClass) {
  use({active(size_model(histogram_spec()))});
  const FlowId id = flows_.packets(1, 5);
  const std::array sure{0.9F, 0.1F};
  verdicts_.add(id, {.probabilities = sure, .unfamiliar = true});
  EXPECT_EQ(flows_.table[id].mark, kNoMark);
  EXPECT_EQ(flows_.counters->models[0].unfamiliar.get(), 1U);
  EXPECT_EQ(flows_.counters->models[0].abstentions.get(), 1U);
  EXPECT_TRUE(told_.empty());
  answer(id, 0, 0.9F);
  answer(id, 0, 0.9F);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_LT(told_[0].confidence, 0.9F) << "the vote for none counts";
  EXPECT_EQ(flows_.counters->models[0].unfamiliar.get(), 1U);
}

TEST_F(VerdictsTest, AnotherVerdictMovesTheFlowToItsClass) {
  ActiveModel model = active(size_model(histogram_spec()));
  model.policy.votes = 1;
  use({model});
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.9F, false);
  flows_.packets(1, 10);
  answer(id, 0, 0.1F, false);
  EXPECT_EQ(flows_now(0, 0), 0U);
  EXPECT_EQ(flows_now(0, 1), 1U);
  EXPECT_EQ(flows_.table[id].mark, dscp::kAf11);
  EXPECT_TRUE(told_.back().changed);
  EXPECT_EQ(flows_.counters->models[0].packets[0].get(), 10U) << "came under the first verdict";
}

TEST_F(VerdictsTest, AVerdictGoesWithTheOneThatItDependsOn) {
  std::vector<ActiveModel> models(2, active(size_model(histogram_spec())));
  models[0].policy.votes = 1;
  models[1].condition = VerdictCondition{.class_mask = 0b01};
  models[1].class_dscp = {dscp::kAf41, dscp::kAf41};
  use(models);
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.9F, false);
  answer(id, 1, 0.9F, false);
  EXPECT_EQ(flows_.table[id].mark, dscp::kAf41) << "of the highest slot";
  answer(id, 0, 0.1F, false);
  EXPECT_EQ(flows_.table[id].mark, dscp::kAf11);
  EXPECT_EQ(flows_now(1, 0), 0U);
  EXPECT_EQ(flows_.states.layout().standing(*flows_.states.find(id), 1), 0U);
}

/// Two models of one task: the second one is asked while the first one is less sure than 0.8.
std::vector<ActiveModel> small_and_large() {
  std::vector<ActiveModel> models(2, active(size_model(histogram_spec())));
  models[0].policy.votes = 1;
  models[1].condition = VerdictCondition{.below = 0.8F};
  models[1].class_dscp = {dscp::kAf41, dscp::kAf41};
  return models;
}

TEST_F(VerdictsTest, TheLargerModelsVerdictMarksOnceThereIsOne) {
  use(small_and_large());
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.6F);
  EXPECT_EQ(flows_.table[id].mark, dscp::kExpedited);
  answer(id, 1, 0.3F);
  EXPECT_EQ(flows_.table[id].mark, dscp::kAf41);
  EXPECT_EQ(flows_now(1, 1), 1U);
}

TEST_F(VerdictsTest, WhereTheLargerModelAbstainsTheSmallOnesVerdictMarks) {
  std::vector<ActiveModel> models = small_and_large();
  models[1].policy.confidence = 0.9F;
  use(models);
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.6F);
  answer(id, 1, 0.3F);
  EXPECT_EQ(flows_.table[id].mark, dscp::kExpedited);
}

TEST_F(VerdictsTest, OnceTheSmallModelIsSureTheLargerOnesVerdictGoes) {
  use(small_and_large());
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.6F);
  answer(id, 1, 0.3F);
  answer(id, 0, 0.85F);
  EXPECT_EQ(flows_.table[id].mark, dscp::kAf41) << "within the hysteresis";
  told_.clear();
  answer(id, 0, 0.95F);
  EXPECT_EQ(flows_.table[id].mark, dscp::kExpedited);
  EXPECT_EQ(flows_now(1, 1), 0U);
  ASSERT_EQ(told_.size(), 1U) << "the small one's verdict is the same as before";
  EXPECT_EQ(told_[0].model, 1);
  EXPECT_EQ(told_[0].class_index, kNoClass);
  EXPECT_EQ(told_[0].confidence, 0.0F);
  EXPECT_EQ(told_[0].mark, dscp::kExpedited);
}

TEST_F(VerdictsTest, AskedAgainTheLargerModelBeginsAnew) {
  use(small_and_large());
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.6F);
  for (int i = 0; i < 4; ++i) answer(id, 1, 0.1F, false);
  answer(id, 0, 0.95F);
  answer(id, 0, 0.6F);
  answer(id, 1, 0.9F, false);
  EXPECT_EQ(flows_.states.layout().standing(*flows_.states.find(id), 1), 0b01U)
      << "its earlier answers are forgotten";
}

TEST_F(VerdictsTest, AVerdictThatGoesTakesThoseAlongThatRestOnIt) {
  std::vector<ActiveModel> models = small_and_large();
  models.push_back(models[1]);
  models[2].condition = VerdictCondition{.model = 1, .class_mask = 0b10};
  models[2].class_dscp = {dscp::kAf21, dscp::kAf21};
  use(models);
  const FlowId id = flows_.packets(1, 5);
  answer(id, 0, 0.6F);
  answer(id, 1, 0.3F);
  answer(id, 2, 0.3F);
  EXPECT_EQ(flows_.table[id].mark, dscp::kAf21);
  answer(id, 0, 0.95F);
  EXPECT_EQ(flows_.table[id].mark, dscp::kExpedited);
  EXPECT_EQ(flows_now(2, 1), 0U);
}

TEST_F(VerdictsTest, AFlowThatEndsHasALastWordOfEachModelThatWasAsked) {
  use(std::vector<ActiveModel>(2, active(size_model(histogram_spec()))));
  const FlowId id = flows_.packets(1, 5);
  answer(id, 1, 0.9F);
  flows_.packets(1, 3);
  flows_.table.erase(id);
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_TRUE(told_[1].final);
  EXPECT_EQ(told_[1].model, 1);
  EXPECT_EQ(told_[1].packets, 8U);
  EXPECT_EQ(told_[1].time_us, flows_.now_us);
  EXPECT_EQ(flows_now(1, 0), 0U);
}

TEST_F(VerdictsTest, OnceSilentItTellsNothing) {
  use({active(size_model(histogram_spec()))});
  const FlowId id = flows_.packets(1, 5);
  verdicts_.be_silent();
  answer(id, 0, 0.9F);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(flows_now(0, 0), 1U);
}

TEST_F(VerdictsTest, OtherClassesOfASlotBeginItsCountersAnew) {
  const auto verdicts = [this] { return flows_.counters->models[0].verdicts[0].get(); };
  use({active(size_model(histogram_spec()))});
  answer(flows_.packets(1, 5), 0, 0.9F);
  use({active(size_model(histogram_spec()))});
  EXPECT_EQ(verdicts(), 1U);
  EXPECT_EQ(flows_now(0, 0), 0U) << "no flow has a verdict of these models yet";
  use({active(size_model(histogram_spec(), 500, {"tiny", "huge"}))});
  EXPECT_EQ(verdicts(), 0U);
}

}  // namespace
}  // namespace flowmark
