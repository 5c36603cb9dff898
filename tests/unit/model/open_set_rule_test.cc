// The card's open-set rule: what is refused, and which windows are unfamiliar.
#include <algorithm>
#include <limits>

#include "model/engine/build_engine.h"
#include "unit/model/load_model_fixture.h"

namespace flowmark {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

TEST_F(LoadModel, TakesTheOpenSetRuleOfForestsOnly) {
  const auto with = [](const std::string& bytes, const std::string& thresholds) {
    OnnxModel model = parse_onnx(bytes);
    model.metadata["flowmark.card"] = R"({"open_set":{"thresholds":)" + thresholds + "}}";
    return serialize_onnx(model);
  };
  const std::string good = R"({"voip":0.25,"video":0.5,"web":0})";
  const auto model = load_model(with(forest_, good), "m.onnx");
  EXPECT_THAT(model->most_disagreement, ::testing::ElementsAre(0.25F, 0.5F, 0.0F));
  const auto refused = [&](const std::string& bytes, const std::string& thresholds) {
    return error_of([&] { load_model(with(bytes, thresholds), "m.onnx"); });
  };
  EXPECT_THAT(refused(linear_, good), HasSubstr("m.onnx: flowmark.card: open_set.thresholds are "
                                                "for forests of one label"));
  EXPECT_THAT(refused(forest_, "[1,2,3]"), HasSubstr("is no object of numbers by class"));
  EXPECT_THAT(refused(forest_, R"({"voip":1,"web":1})"), HasSubstr("class 'video' is missing"));
  EXPECT_THAT(refused(forest_, R"({"voip":-1,"video":1,"web":1})"),
              HasSubstr("open_set.thresholds.voip -1 is out of range; 0 or more is right"));
  EXPECT_THAT(refused(forest_, R"({"voip":"x","video":1,"web":1})"), HasSubstr("is no number"));
}

TEST_F(LoadModel, AWindowAboveTheThresholdOfItsLikeliestClassIsUnfamiliar) {
  Model model;
  ForestPlan plan;  // the first of three trees contradicts the others where feature 0 is above 0.5
  plan.inputs = 1;
  plan.scores = 2;
  plan.output.transform = OutputRule::Transform::none;
  plan.nodes = {{0, 0.5F, 1, 2},
                {ForestPlan::kLeaf, 0, 0, 0},
                {ForestPlan::kLeaf, 0, 1, 0},
                {ForestPlan::kLeaf, 0, 0, 0}};
  plan.roots = {0, 3, 3};
  plan.leaves = {1, 0, 0, 1};
  model.engine = build_engine(plan, default_kernels());
  const auto scratch = model.engine->make_scratch();
  const auto is_unfamiliar_at = [&](float value) {
    const SparseWindow window{{0, value}};
    model.engine->run(*scratch, window);
    return is_unfamiliar(model, *scratch);
  };
  EXPECT_FALSE(is_unfamiliar_at(1)) << "there is no rule";
  model.most_disagreement = {0.3F, 0.0F};
  EXPECT_FALSE(is_unfamiliar_at(0.1F));
  EXPECT_TRUE(is_unfamiliar_at(1)) << "one of three trees contradicts: 0.64 nats";
  model.most_disagreement = {0.7F, 0.0F};
  EXPECT_FALSE(is_unfamiliar_at(1)) << "the threshold of the likeliest class counts";
}

}  // namespace
}  // namespace flowmark
