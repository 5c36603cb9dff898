// Three classes of flows that differ in their packets' sizes; each is left out in turn.
#include "deployed/left_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "capture/sequence_file.h"
#include "data/prefixes.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class LeftOutTest : public ::testing::Test {
 protected:
  LeftOutTest() {
    std::filesystem::create_directories(folder_);
    std::string text;
    for (uint16_t flow = 0; flow < 90; ++flow) {
      const uint16_t kind = flow % 3;
      RecordedFlow one;
      one.name = "flow" + std::to_string(flow);
      one.label = std::array{"voip", "chat", "streaming"}[kind];
      one.attributes["split"] = flow % 10 < 7 ? "train" : "test";
      for (uint16_t i = 0; i < 60; ++i) {
        FlowPacket packet;
        packet.time_us = 1'700'000'000'000'000 + i * (10'000 + 10 * flow);
        packet.direction = i % 2 == 0 ? Direction::up : Direction::down;
        packet.size = static_cast<uint16_t>(100 + 500 * kind + flow % 5);
        one.packets.push_back(packet);
      }
      append_sequence(one, text);
    }
    std::ofstream(folder_ / "flows.csv") << text;
    TrainingPlan& training = plan_.training;
    training.input = FeatureSpec::from_json(R"({"kind":"size_iat","window_packets":40})", "test");
    training.cut.prefixes = training_prefixes(training.input);
    training.sources = collect_sources({(folder_ / "flows.csv").string()});
    training.learner = "forest";
    training.learners.set("trees", "12");
    training.split.validation = 0.3;
    training.learning.show_progress = false;
    training.target_accuracy = 0.9;
    plan_.test = training.sources;
    for (DataSource& source : plan_.test) source.only_split = "test";
    plan_.folder = folder_ / "out";
    ModelSettings& model = plan_.settings.models.emplace_back();
    model.policy.confidence = 0.5F;
    model.policy.confidence_given = true;
  }
  ~LeftOutTest() override { std::filesystem::remove_all(folder_); }

  /// Of its own for each test: they run side by side.
  std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) /
      ("left_out_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
  LeftOutPlan plan_;
};

TEST_F(LeftOutTest, TheModelDoesNotKnowTheClassAndTheOthersAreJudgedBeside) {
  EXPECT_THAT(classes_of(plan_.test), ElementsAre("chat", "streaming", "voip"));
  const LeftOutClass result = leave_out_class(plan_, "chat");
  const auto model = load_model(plan_.folder / "without-chat.onnx");
  EXPECT_THAT(model->classes, ElementsAre("streaming", "voip"));
  EXPECT_EQ(model->most_disagreement.size(), 2U);
  for (const LeftOutClass::Side* side : {&result.with_rule, &result.without_rule}) {
    EXPECT_EQ(side->own.flows, 9U);
    EXPECT_EQ(side->own.right, 0U);
    EXPECT_EQ(side->own.share_called("chat"), 0);
    EXPECT_EQ(side->own.packets, 9U * 60);
    EXPECT_EQ(side->known.flows, 18U);
  }
  EXPECT_EQ(result.without_rule.known.right, 18U) << "small and large packets are told apart";
  EXPECT_GE(result.with_rule.own.share_called(""), result.without_rule.own.share_called(""));
}

TEST_F(LeftOutTest, WithoutTheCallsNothingLeavesAsEf) {
  const LeftOutClass result = leave_out_class(plan_, "voip");
  EXPECT_EQ(result.with_rule.own.share_left(dscp::kExpedited), 0);
  EXPECT_EQ(result.with_rule.known.share_left(dscp::kExpedited), 0);
}

TEST_F(LeftOutTest, TheTableHasARowForEachSideAndTheirMeans) {
  LeftOutClass one;
  one.name = "chat";
  one.with_rule.own.flows = 4;
  one.with_rule.own.packets = 200;
  one.with_rule.own.called = {{"", 3}, {"voip", 1}};
  one.with_rule.own.left = {{dscp::kDefault, 190}, {dscp::kExpedited, 10}};
  one.with_rule.known.flows = 10;
  one.with_rule.known.right = 8;
  one.with_rule.known.called = {{"", 1}, {"voip", 9}};
  one.without_rule = one.with_rule;
  one.without_rule.own.called = {{"voip", 4}};
  const std::string table = left_out_table({one});
  EXPECT_THAT(table, HasSubstr("| chat 4, with | 25.0 | 75.0 | 5.0 | 0.0 | 80.0 | 10.0 |"));
  EXPECT_THAT(table, HasSubstr("| chat 4, without | 100.0 | 0.0 | 5.0 | 0.0 | 80.0 | 10.0 |"));
  EXPECT_THAT(table, HasSubstr("| mean, with | 25.0 | 75.0 |"));
  const auto json = left_out_json({one});
  EXPECT_EQ(json[0]["with_rule"]["own"]["called"]["none"], 3);
  EXPECT_EQ(json[0]["with_rule"]["own"]["left"]["EF"], 10);
}

TEST_F(LeftOutTest, AClassThatIsNotThereIsNamed) {
  EXPECT_THAT([&] { leave_out_class(plan_, "gaming"); },
              ThrowsMessage<Error>(HasSubstr("--without gaming: the data has no such class")));
}

}  // namespace
}  // namespace flowmark
