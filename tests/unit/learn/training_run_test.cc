#include "learn/training_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "capture/sequence_file.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// A folder with flows of two classes, small packets and large ones, ten each.
class TrainingRunTest : public testing::Test {
 protected:
  TrainingRunTest() {
    std::filesystem::create_directories(folder_);
    std::string text;
    for (uint16_t flow = 0; flow < 20; ++flow) {
      RecordedFlow one;
      one.name = "flow" + std::to_string(flow);
      one.label = flow % 2 == 0 ? "calls" : "films";
      for (uint16_t i = 0; i < 40; ++i) {
        FlowPacket packet;
        packet.time_us = 1'000'000 + i * 1000 * (flow + 1);
        packet.direction = i % 3 == 0 ? Direction::up : Direction::down;
        packet.size = static_cast<uint16_t>((flow % 2 == 0 ? 100 : 1200) + i + flow);
        one.packets.push_back(packet);
      }
      append_sequence(one, text);
    }
    std::ofstream(folder_ / "flows.csv") << text;
    plan_.input = FeatureSpec::from_json(R"({"kind":"size_iat","window_packets":20})", "test");
    plan_.sources = collect_sources({(folder_ / "flows.csv").string()});
    plan_.data_names = {"flows.csv"};
    plan_.learner = "naive-bayes";
    plan_.split.validation = 0.2;
    plan_.split.test = 0.2;
    plan_.learning.show_progress = false;
    plan_.out = folder_ / "model.onnx";
  }
  ~TrainingRunTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) /
                                  (std::string("training_run_") +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  TrainingPlan plan_;
};

TEST_F(TrainingRunTest, LeavesAModelThatHasBeenReadBackAndJudged) {
  const TrainingResult result = TrainingRun(plan_, nullptr).run();
  EXPECT_EQ(load_model(plan_.out)->sha256, result.model->sha256);
  EXPECT_THAT(result.model->classes, testing::ElementsAre("calls", "films"));
  EXPECT_LT(result.round_trip, 1e-5);
  ASSERT_TRUE(result.test.single);
  EXPECT_EQ(result.test.single->flows().accuracy(), 1);
  EXPECT_TRUE(result.abstention);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model.onnx.candidate"));
}

TEST_F(TrainingRunTest, TheCardIsInTheFileAndInTheAnswerForMachines) {
  const TrainingResult result = TrainingRun(plan_, nullptr).run();
  const auto card = nlohmann::json::parse(load_model(plan_.out)->card);
  EXPECT_EQ(card["model"], "naive-bayes");
  EXPECT_EQ(card["data"], nlohmann::json::array({"flows.csv"}));
  EXPECT_EQ(card["flows"], 20);
  EXPECT_EQ(card["split"]["by"], "flow");
  const nlohmann::json answer = result.to_json();
  EXPECT_EQ(answer["test"], card["test"]);
  EXPECT_EQ(answer["sha256"], result.model->sha256);
  EXPECT_FALSE(answer["trials"].empty());
  EXPECT_THAT(result.to_text(), HasSubstr("On test data:"));
}

TEST_F(TrainingRunTest, TellsItsStepsToWhoeverListens) {
  std::ostringstream steps;
  TrainingRun(plan_, &steps).run();
  EXPECT_THAT(steps.str(), testing::StartsWith("20 flows\nsplit by flow, seed 1: "));
}

TEST_F(TrainingRunTest, OneClassAgainstTheOthers) {
  plan_.versus = "films";
  const TrainingResult result = TrainingRun(plan_, nullptr).run();
  EXPECT_THAT(result.model->classes, testing::ElementsAre("films", "not films"));
  plan_.versus = "games";
  EXPECT_THAT([&] { TrainingRun(plan_, nullptr).run(); },
              ThrowsMessage<Error>(HasSubstr("--versus games: the data has no such class")));
}

TEST_F(TrainingRunTest, BalancedBySourceTheCardNamesTheSources) {
  plan_.balance_by = "source";
  EXPECT_THAT([&] { TrainingRun(plan_, nullptr).run(); },
              ThrowsMessage<Error>(HasSubstr("has no key 'source'")));
  plan_.sources[0].attributes["source"] = "house/kitchen";
  const TrainingResult result = TrainingRun(plan_, nullptr).run();
  const auto card = nlohmann::json::parse(result.card);
  EXPECT_EQ(card["balanced_by"], "source");
  EXPECT_EQ(card["sources"], nlohmann::json::array({"house"}));
  EXPECT_EQ(result.test.single->flows().accuracy(), 1);
}

TEST_F(TrainingRunTest, AnInterruptedTrainingNamesTheFileItGoesOnFrom) {
  std::atomic<bool> stop = true;
  plan_.learner = "forest";
  plan_.learning.stop = &stop;
  const TrainingResult cut_off = TrainingRun(plan_, nullptr).run();
  EXPECT_TRUE(cut_off.interrupted);
  EXPECT_EQ(cut_off.state, folder_ / "model.onnx.state");
  EXPECT_THAT(cut_off.to_text(), HasSubstr("--resume goes on from " + cut_off.state.string()));

  stop = false;
  plan_.resume = true;
  const TrainingResult whole = TrainingRun(plan_, nullptr).run();
  EXPECT_FALSE(whole.interrupted);
  EXPECT_EQ(whole.state, "");
  EXPECT_FALSE(std::filesystem::exists(cut_off.state));
  EXPECT_THAT([&] { TrainingRun(plan_, nullptr).run(); },
              ThrowsMessage<Error>(HasSubstr("no training was interrupted")));
}

TEST_F(TrainingRunTest, AForestGetsAnOpenSetRuleUnlessNoneIsWanted) {
  plan_.learner = "forest";
  plan_.learners.set("trees", "8");
  const TrainingResult result = TrainingRun(plan_, nullptr).run();
  const auto model = load_model(plan_.out);
  ASSERT_EQ(model->most_disagreement.size(), 2U);
  EXPECT_EQ(model->most_disagreement, result.most_disagreement);
  const auto card = nlohmann::json::parse(model->card)["open_set"];
  EXPECT_EQ(card["rule"], "disagreement");
  EXPECT_EQ(card["share"], 0.1);
  EXPECT_TRUE(card["thresholds"].contains("films"));
  EXPECT_THAT(result.to_text(), HasSubstr("resembles no class where trees disagree more than"));

  plan_.open_set_share = 0;
  EXPECT_TRUE(TrainingRun(plan_, nullptr).run().model->most_disagreement.empty());
}

TEST_F(TrainingRunTest, AModelThatCannotTellHasNoOpenSetRule) {
  EXPECT_TRUE(TrainingRun(plan_, nullptr).run().model->most_disagreement.empty());
}

TEST_F(TrainingRunTest, AClassThatIsLeftOutIsNotKnown) {
  plan_.without = "songs";
  EXPECT_THAT([&] { TrainingRun(plan_, nullptr).run(); },
              ThrowsMessage<Error>(HasSubstr("--without songs: the data has no such class")));
  plan_.without = "films";  // one class is left
  EXPECT_THROW(TrainingRun(plan_, nullptr).run(), Error);
}

}  // namespace
}  // namespace flowmark
