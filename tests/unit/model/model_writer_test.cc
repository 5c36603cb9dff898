// What the writers write, load_model reads back as the same model.
#include "model/write/model_writer.h"

#include <fstream>
#include <sstream>

#include "model/engine/reference.h"
#include "model/model.h"
#include "model/onnx/onnx_file.h"
#include "unit/model/model_test_util.h"
#include "unit/model/network_maker.h"

namespace flowmark {
namespace {

using testing::histogram_spec;
using testing::picture_spec;
using testing::random_window;

ModelDescription describe(const FeatureSpec& input, uint32_t classes, std::mt19937& random) {
  ModelDescription description;
  description.task = "application";
  description.input = input;
  for (uint32_t c = 0; c < classes; ++c) description.classes.push_back("c" + std::to_string(c));
  description.golden_inputs = {{}, random_window(input.length(), 40, random)};
  description.card = R"({"accuracy":0.5})";
  return description;
}

void expect_same(const Model& model, const ModelPlan& plan, std::mt19937& random) {
  EXPECT_EQ(model.golden_windows, 2u);
  EXPECT_EQ(model.task, "application");
  EXPECT_EQ(model.card, R"({"accuracy":0.5})");
  EXPECT_EQ(model.sha256.size(), 64u);
  const auto scratch = model.engine->make_scratch();
  for (const size_t count : {0, 1, 30, 200}) {
    const SparseWindow window = random_window(model.input.length(), count, random);
    const auto expected = reference_probabilities(plan, window);
    const auto got = model.engine->run(*scratch, window);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t c = 0; c < got.size(); ++c) EXPECT_NEAR(got[c], expected[c], 1e-5);
  }
}

TEST(ModelWriter, NetworkComesBack) {
  std::mt19937 random(11);
  const testing::TestDirectory directory;
  for (const bool multilabel : {false, true}) {
    for (NetworkPlan plan :
         {testing::paper_network(300, 300, 4, random), testing::lenet(32, 6, random)}) {
      plan.output.transform =
          multilabel ? OutputRule::Transform::logistic : OutputRule::Transform::softmax;
      const ConvLayer& first = plan.convs.front();
      ModelDescription description =
          describe(picture_spec(first.in_h, first.in_w), plan.dense.back().outputs, random);
      description.multilabel = multilabel;
      write_network_model(directory / "net.onnx", description, plan);
      const auto model = load_model(directory / "net.onnx", {.require_golden = true});
      EXPECT_STREQ(model->engine->kind(), "cnn");
      EXPECT_EQ(model->multilabel, multilabel);
      EXPECT_EQ(model->parameters, parameter_count(plan));
      expect_same(*model, plan, random);
    }
  }
}

TEST(ModelWriter, RandomNetworksComeBack) {
  const testing::TestDirectory directory;
  for (uint32_t seed = 100; seed < 130; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    const NetworkPlan plan = testing::random_network(random, &text);
    SCOPED_TRACE(text);
    const ConvLayer& first = plan.convs.front();
    write_network_model(
        directory / "net.onnx",
        describe(picture_spec(first.in_h, first.in_w), plan.dense.back().outputs, random), plan);
    expect_same(*load_model(directory / "net.onnx"), plan, random);
  }
}

TEST(ModelWriter, PerceptronComesBack) {
  std::mt19937 random(12);
  const testing::TestDirectory directory;
  const FeatureSpec input = histogram_spec(8, 10);
  NetworkPlan plan = testing::make_network(1, input.length(), {}, {50, 30, 3}, random);
  plan.dense[0].activation = Activation::tanh;
  plan.dense[1].activation = Activation::sigmoid;
  write_network_model(directory / "mlp.onnx", describe(input, 3, random), plan);
  const auto model = load_model(directory / "mlp.onnx");
  EXPECT_STREQ(model->engine->kind(), "mlp");
  expect_same(*model, plan, random);
}

TEST(ModelWriter, QuadraticComesBack) {
  std::mt19937 random(14);
  const testing::TestDirectory directory;
  for (const uint32_t classes : {2U, 3U, 20U}) {
    const FeatureSpec input = histogram_spec(8, 10);
    const size_t weights = size_t{classes} * input.length();
    const QuadraticParameters parameters{testing::random_floats(weights, 0.3F, random),
                                         testing::random_floats(weights, 0.03F, random),
                                         testing::random_floats(classes, 1, random)};
    write_quadratic_model(directory / "q.onnx", describe(input, classes, random), parameters);
    const auto model = load_model(directory / "q.onnx", {.require_golden = true});
    EXPECT_STREQ(model->engine->kind(), "quadratic");
    EXPECT_EQ(model->engine->input_length(), input.length());
    NetworkPlan plan;
    plan.inputs = input.length();
    plan.squares = true;
    plan.dense.push_back({2 * input.length(), classes, {}, parameters.intercepts});
    for (const auto* half : {&parameters.linear, &parameters.squared}) {
      for (uint32_t j = 0; j < input.length(); ++j) {
        for (uint32_t c = 0; c < classes; ++c) {
          plan.dense[0].weights.push_back((*half)[size_t{c} * input.length() + j]);
        }
      }
    }
    expect_same(*model, plan, random);
  }
  EXPECT_THAT(testing::error_of([&] {
                write_quadratic_model(directory / "q.onnx", describe(picture_spec(4, 4), 2, random),
                                      {});
              }),
              ::testing::HasSubstr("reads histograms, not pictures"));
}

ForestPlan stump_forest(uint32_t inputs, uint32_t classes, std::mt19937& random) {
  ForestPlan plan;
  plan.inputs = inputs;
  plan.scores = classes;
  for (uint32_t c = 0; c < classes; ++c) plan.base.push_back(0.01F * static_cast<float>(c));
  plan.output.transform = OutputRule::Transform::none;
  for (uint32_t t = 0; t < 30; ++t) {
    const auto at = static_cast<uint32_t>(plan.nodes.size());
    const auto leaf = static_cast<uint32_t>(plan.leaves.size() / classes);
    const auto feature = [&] { return static_cast<uint32_t>(random() % inputs); };
    plan.nodes.push_back({feature(), 0, at + 1, at + 2});
    plan.nodes.push_back({feature(), 2, at + 3, at + 4});
    for (uint32_t i = 0; i < 3; ++i) plan.nodes.push_back({ForestPlan::kLeaf, 0, leaf + i, 0});
    for (uint32_t i = 0; i < 3 * classes; ++i) {
      plan.leaves.push_back(static_cast<float>(random() % 5) / 100);
    }
    plan.roots.push_back(at);
  }
  return plan;
}

TEST(ModelWriter, ForestComesBack) {
  std::mt19937 random(13);
  const testing::TestDirectory directory;
  const FeatureSpec input = histogram_spec(8, 10);
  for (const uint32_t classes : {2u, 3u, 12u}) {
    const ForestPlan plan = stump_forest(input.length(), classes, random);
    write_forest_model(directory / "forest.onnx", describe(input, classes, random), plan);
    const auto model = load_model(directory / "forest.onnx");
    EXPECT_STREQ(model->engine->kind(), "forest");
    expect_same(*model, plan, random);
  }
}

TEST(ModelWriter, RefusesWhatDoesNotFit) {
  std::mt19937 random(14);
  const testing::TestDirectory directory;
  NetworkPlan plan = testing::lenet(32, 6, random);
  const auto write = [&](const FeatureSpec& input, uint32_t classes) {
    return testing::error_of(
        [&] { write_network_model(directory / "x.onnx", describe(input, classes, random), plan); });
  };
  EXPECT_THAT(write(picture_spec(32, 32), 5),
              ::testing::HasSubstr("the graph has 6 outputs, flowmark.classes has 5 names"));
  EXPECT_THAT(write(picture_spec(40, 32), 6), ::testing::HasSubstr("do not fit its input"));
  plan.convs[0].bias.pop_back();
  EXPECT_THAT(write(picture_spec(32, 32), 6),
              ::testing::HasSubstr("has 150 weights and 5 biases; its shape needs 150 and 6"));
  EXPECT_TRUE(std::filesystem::is_empty(directory / ""));
}

TEST(ModelWriter, ReplacesTheFileByRename) {
  std::mt19937 random(15);
  const testing::TestDirectory directory;
  const NetworkPlan plan = testing::lenet(32, 3, random);
  const ModelDescription description = describe(picture_spec(32, 32), 3, random);
  write_network_model(directory / "net.onnx", description, plan);
  const auto old = std::filesystem::hard_link_count(directory / "net.onnx");
  std::filesystem::create_hard_link(directory / "net.onnx", directory / "kept.onnx");
  write_network_model(directory / "net.onnx", description, plan);
  EXPECT_EQ(std::filesystem::hard_link_count(directory / "net.onnx"), old);
  EXPECT_EQ(load_model(directory / "net.onnx")->sha256,
            load_model(directory / "kept.onnx")->sha256);
  EXPECT_THAT(testing::error_of(
                  [&] { write_network_model(directory / "no/such/net.onnx", description, plan); }),
              ::testing::HasSubstr("no/such/net.onnx"));
}

/// Where a window's leaves name the first of two classes alone, ONNX Runtime takes its score for
/// one that stands for both: every leaf must name both.
TEST(ModelWriter, LeavesOfTwoClassesNameBoth) {
  std::mt19937 random(15);
  const testing::TestDirectory directory;
  const FeatureSpec input = histogram_spec(8, 10);
  ForestPlan plan;
  plan.inputs = input.length();
  plan.scores = 2;
  plan.output.transform = OutputRule::Transform::none;
  plan.nodes = {{1, 0.5F, 1, 2}, {ForestPlan::kLeaf, 0, 0, 0}, {ForestPlan::kLeaf, 0, 1, 0}};
  plan.roots = {0};
  plan.leaves = {0, 1, 1, 0};
  plan.base = {0, 0};
  write_forest_model(directory / "forest.onnx", describe(input, 2, random), plan);
  std::ifstream file(directory / "forest.onnx", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  const OnnxModel model = parse_onnx(bytes.str());
  EXPECT_EQ(model.nodes.back().attributes.at("class_ids").ints, (std::vector<int64_t>{0, 1, 0, 1}));
  expect_same(*load_model(directory / "forest.onnx"), plan, random);
}

TEST(ModelWriter, ListsOfNumbersTakeNoTagForEachNumber) {
  std::mt19937 random(5);
  constexpr size_t kNumbers = 10'000;
  OnnxNode node;
  node.op = "TreeEnsembleClassifier";
  OnnxAttribute& integers = node.attributes["integers"];
  integers.type = OnnxAttribute::Type::integers;
  integers.ints = {0, -1, 127, 128, INT64_MAX, INT64_MIN};
  integers.ints.resize(kNumbers, 100);
  OnnxAttribute& numbers = node.attributes["numbers"];
  numbers.type = OnnxAttribute::Type::numbers;
  numbers.floats = testing::random_floats(kNumbers, 1, random);
  node.attributes["none"].type = OnnxAttribute::Type::integers;
  OnnxModel model;
  model.opsets = {{"", 13}, {"ai.onnx.ml", 1}};
  model.nodes = {node};
  const std::string bytes = serialize_onnx(model);
  EXPECT_LT(bytes.size(), kNumbers * (1 + sizeof(float)) + 500);
  const OnnxModel back = parse_onnx(bytes);
  ASSERT_EQ(back.nodes.size(), 1U);
  EXPECT_EQ(back.nodes[0].attributes.at("integers").ints, integers.ints);
  EXPECT_EQ(back.nodes[0].attributes.at("numbers").floats, numbers.floats);
  EXPECT_TRUE(back.nodes[0].attributes.at("none").ints.empty());
}

}  // namespace
}  // namespace flowmark
