#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "model/model.h"
#include "model/onnx/onnx_file.h"
#include "unit/model/model_test_util.h"
#include "unit/model/network_maker.h"

namespace flowmark {

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

/// Models as our writers write them: a network, linear scores, a forest.
class LoadModel : public ::testing::Test {
 protected:
  LoadModel() {
    std::mt19937 random(20);
    ModelDescription cnn = describe(testing::picture_spec(32, 32), random);
    write_network_model(directory_ / "cnn.onnx", cnn, testing::lenet(32, 3, random));
    cnn_ = read_bytes(directory_ / "cnn.onnx");

    ModelDescription linear = describe(testing::histogram_spec(2, 3), random);
    write_linear_model(directory_ / "linear.onnx", linear,
                       {testing::random_floats(36, 1, random), {0, 1, 2}});
    linear_ = read_bytes(directory_ / "linear.onnx");

    ForestPlan forest;
    forest.inputs = 12;
    forest.scores = 3;
    forest.output.transform = OutputRule::Transform::none;
    forest.nodes = {{1, 0.5F, 1, 2}, {ForestPlan::kLeaf, 0, 0, 0}, {ForestPlan::kLeaf, 0, 1, 0}};
    forest.roots = {0};
    forest.leaves = {1, 0, 0, 0, 0.5F, 0.5F};
    write_forest_model(directory_ / "forest.onnx", linear, forest);
    forest_ = read_bytes(directory_ / "forest.onnx");
  }

  static ModelDescription describe(const FeatureSpec& input, std::mt19937& random) {
    ModelDescription description;
    description.task = "category";
    description.classes = {"voip", "video", "web"};
    description.input = input;
    description.golden_inputs = {{}, testing::random_window(input.length(), 10, random)};
    return description;
  }

  /// The message with which a changed model is refused.
  static std::string refusal(const std::string& bytes,
                             const std::function<void(OnnxModel&)>& change) {
    OnnxModel model = parse_onnx(bytes);
    change(model);
    return testing::error_of([&] { load_model(serialize_onnx(model), "m.onnx"); });
  }

  static OnnxNode& node(OnnxModel& model, const std::string& op) {
    for (OnnxNode& each : model.nodes) {
      if (each.op == op) return each;
    }
    throw Error("no " + op);
  }

  testing::TestDirectory directory_;
  std::string cnn_, linear_, forest_;
};

}  // namespace flowmark
