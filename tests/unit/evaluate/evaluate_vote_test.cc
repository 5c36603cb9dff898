#include "evaluate/evaluate_vote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "unit/evaluate/answers.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::ThrowsMessage;

auto near(float value) {
  return FloatNear(value, 1e-6F);
}

TEST(VoteOnFlow, EveryModelHasOneVoiceHoweverManyWindowsItReads) {
  const std::vector<std::vector<Answer>> voters = {
      {answer(kFull, {1.0F, 0.0F}), answer(kFull, {0.8F, 0.2F}), answer(kFull, {0.6F, 0.4F})},
      {answer(kFull, {0.2F, 0.8F})}};
  EXPECT_THAT(vote_on_flow(voters).probabilities, ElementsAre(near(0.5F), near(0.5F)));
}

TEST(VoteOnFlow, APictureModelSpeaksForBothDirectionsAtOnce) {
  const std::vector<std::vector<Answer>> voters = {
      {answer(0, {1.0F, 0.0F}), answer(0, {0.6F, 0.4F}), answer(1, {0.5F, 0.5F})},
      {answer(0, {0.0F, 1.0F}, true), answer(kFull, {0.1F, 0.9F})}};
  const FlowVote vote = vote_on_flow(voters);
  ASSERT_EQ(vote.prefixes.size(), 1U) << "only what both have answered";
  EXPECT_EQ(vote.prefixes[0].info.prefix, 0);
  EXPECT_FALSE(vote.prefixes[0].info.repeat) << "for the first model the flow goes on";
  EXPECT_THAT(vote.prefixes[0].probabilities, ElementsAre(near(0.4F), near(0.6F)));
  // Its longest prefix against the other's full window.
  EXPECT_THAT(vote.probabilities, ElementsAre(near(0.3F), near(0.7F)));
}

TEST(VoteOnFlow, WhoHasNoAnswerDoesNotVote) {
  const std::vector<std::vector<Answer>> voters = {{}, {answer(kFull, {0.1F, 0.9F})}};
  const FlowVote vote = vote_on_flow(voters);
  EXPECT_THAT(vote.probabilities, ElementsAre(near(0.1F), near(0.9F)));
  EXPECT_TRUE(vote.prefixes.empty());
}

TEST(EvaluationOfAVote, CountsFlowsAndPrefixesButNoWindows) {
  Evaluation evaluation({"a", "b"}, {{10, 0}});
  const std::vector<Answer> prefixes = {answer(0, {0.9F, 0.1F})};
  evaluation.add_vote(1, prefixes, std::vector<float>{0.4F, 0.6F});
  evaluation.add_vote(1, {}, std::vector<float>{0.7F, 0.3F});
  EXPECT_EQ(evaluation.windows().total(), 0U);
  EXPECT_EQ(evaluation.flows().total(), 2U);
  EXPECT_DOUBLE_EQ(evaluation.flows().accuracy(), 0.5);
  EXPECT_EQ(evaluation.at_prefixes()[0].confusion.count(1, 0), 1U);
  EXPECT_NE(evaluation.flow_judgements()[0].group, evaluation.flow_judgements()[1].group);
}

/// Says the same of every window.
class ConstantEngine : public Engine {
 public:
  explicit ConstantEngine(std::vector<float> says) : says_(std::move(says)) {}
  std::unique_ptr<EngineScratch> make_scratch() const override {
    return std::make_unique<EngineScratch>();
  }
  void begin(EngineScratch&, std::span<const SparseValue>) const noexcept override {}
  bool step(EngineScratch&, uint32_t) const noexcept override { return true; }
  std::span<const float> probabilities(const EngineScratch&) const noexcept override {
    return says_;
  }
  uint32_t input_length() const noexcept override { return 960; }
  uint32_t class_count() const noexcept override { return static_cast<uint32_t>(says_.size()); }
  const char* kind() const noexcept override { return "constant"; }

 private:
  std::vector<float> says_;
};

std::shared_ptr<const Model> model(const std::string& path, std::vector<std::string> classes,
                                   std::vector<float> says, bool multilabel = false) {
  auto model = std::make_shared<Model>();
  model->path = path;
  model->classes = std::move(classes);
  model->multilabel = multilabel;
  model->input = FeatureSpec::from_json(R"({"kind":"size_iat","window_packets":4})", "test");
  model->engine = std::make_unique<ConstantEngine>(std::move(says));
  return model;
}

class EvaluateVote : public testing::Test {
 protected:
  EvaluateVote()
      : path_(testing::TempDir() + "evaluate_vote_" +
              testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv") {
    std::ofstream file(path_);
    for (int flow = 0; flow < 3; ++flow) {
      file << "#" << flow << "," << (flow == 0 ? "b" : "a") << ",1600000000\n";
      for (int i = 0; i < (flow == 2 ? 2 : 9); ++i) file << "1000,100\n";
    }
  }
  ~EvaluateVote() override { std::filesystem::remove(path_); }

  VoteEvaluation run(const std::vector<std::shared_ptr<const Model>>& models) const {
    EvaluationOptions options;
    options.cut.min_packets = 3;
    return evaluate_vote(models, collect_sources({path_}, "label"), options);
  }

  std::string path_;
};

TEST_F(EvaluateVote, ClassesMayStandInAnotherOrder) {
  const VoteEvaluation result =
      run({model("1.onnx", {"a", "b"}, {0.6F, 0.4F}), model("2.onnx", {"b", "a"}, {0.9F, 0.1F})});
  EXPECT_EQ(result.counts.flows, 2U);
  EXPECT_EQ(result.counts.thin_flows, 1U);
  ASSERT_EQ(result.voters.size(), 2U);
  EXPECT_EQ(result.voters[0].flows().count(1, 0), 1U) << "alone the first says a";
  EXPECT_EQ(result.voters[1].flows().count(1, 1), 1U);
  EXPECT_EQ(result.vote.flows().count(1, 1), 1U) << "together b, by 0.65";
  EXPECT_NEAR(result.vote.flow_judgements()[0].confidence, 0.65, 1e-6);
}

TEST_F(EvaluateVote, RefusesWhoCannotVote) {
  const auto one = model("1.onnx", {"a", "b"}, {0.6F, 0.4F});
  EXPECT_THAT([&] { run({one}); }, ThrowsMessage<Error>(HasSubstr("two models or more")));
  EXPECT_THAT(
      [&] {
        run({one, model("2.onnx", {"a", "c"}, {0.6F, 0.4F})});
      },
      ThrowsMessage<Error>(HasSubstr("2.onnx: its classes (a, c) are not those of 1.onnx")));
  EXPECT_THAT(
      [&] {
        run({one, model("2.onnx", {"a", "b", "c"}, {0.6F, 0.2F, 0.2F})});
      },
      ThrowsMessage<Error>(HasSubstr("cannot vote")));
  EXPECT_THAT(
      [&] {
        run({one, model("2.onnx", {"a", "b"}, {0.6F, 0.4F}, true)});
      },
      ThrowsMessage<Error>(HasSubstr("2.onnx: a multi-label model")));
}

}  // namespace
}  // namespace flowmark
