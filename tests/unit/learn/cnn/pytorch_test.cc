// Training steps beside PyTorch's.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "learn/cnn/trainer.h"
#include "unit/learn/cnn/reference.h"

namespace flowmark {
namespace {

using nlohmann::json;

/// PyTorch's numbers (tests/golden/train_cnn/reference.py).
class AgainstPyTorch : public testing::TestWithParam<const char*> {
 protected:
  AgainstPyTorch() {
    std::ifstream file(FLOWMARK_SOURCE_DIR "/tests/golden/train_cnn/reference.json");
    values_ = json::parse(file)["networks"][GetParam()];
    const json& from = values_["shape"];
    shape_.height = from["height"];
    shape_.width = from["width"];
    shape_.classes = from["classes"];
    shape_.conv_dropout = 0;
    for (const json& conv : from["convs"]) {
      shape_.convs.push_back({conv[0], conv[1], conv[2], conv[3], conv[4], conv[5]});
    }
    for (const json& outputs : from["hidden"]) {
      shape_.hidden.push_back({outputs, 0});
    }
    examples_.classes = {"a", "b", "c"};
    examples_.feature_count = shape_.height * shape_.width;
    examples_.flows.resize(1);
    for (uint32_t i = 0; i < values_["densities"].size(); ++i) {
      ExampleInfo info;
      info.class_index = i % shape_.classes;
      examples_.add(info, random_picture(shape_, values_["densities"][i], KeyedRandom(100 + i)));
      rows_.push_back(i);
    }
  }

  /// Compares the sampled numbers of each tensor.
  void expect_weights(const CnnParameters& actual, const json& expected, double tolerance) const {
    size_t t = 0;
    for (const auto* layers : {&actual.convs, &actual.dense}) {
      for (const CnnParameters::Layer& layer : *layers) {
        for (const std::vector<float>* numbers : {&layer.weights, &layer.bias}) {
          const json& tensor = expected[t++];
          const size_t step = tensor["step"];
          ASSERT_EQ(numbers->size(), tensor["size"].get<size_t>());
          for (size_t i = 0; i < tensor["values"].size(); ++i) {
            EXPECT_NEAR((*numbers)[i * step], tensor["values"][i].get<double>(), tolerance)
                << "tensor " << t - 1 << ", element " << i * step;
          }
          const double sum = std::accumulate(numbers->begin(), numbers->end(), 0.0);
          EXPECT_NEAR(sum, tensor["sum"].get<double>(),
                      tolerance * std::sqrt(static_cast<double>(numbers->size())))
              << "tensor " << t - 1;
        }
      }
    }
    EXPECT_EQ(t, expected.size());
  }

  json values_;
  CnnShape shape_;
  ExampleSet examples_;
  std::vector<uint32_t> rows_;
};

TEST_P(AgainstPyTorch, WeightsAfterSomeStepsOfAdam) {
  CnnTrainingOptions options;
  options.shape = shape_;
  options.init = CnnInit::pytorch;
  options.seed = values_["seed"];
  options.batch = static_cast<uint32_t>(rows_.size());
  options.weight_decay = values_.value("weight_decay", 0.0);
  if (values_.value("cosine", false)) {
    options.schedule = CnnTrainingOptions::Schedule::cosine;
  }
  const std::vector<double> losses = values_["losses"];
  options.max_epochs = static_cast<uint32_t>(losses.size());
  const CnnTraining result = train_cnn(examples_, rows_, {}, options);
  ASSERT_EQ(result.history.size(), losses.size());
  for (size_t i = 0; i < losses.size(); ++i) {
    EXPECT_NEAR(result.history[i].loss, losses[i], 1e-5) << "step " << i;
  }
  expect_weights(result.parameters, values_["weights"], 1e-4);
}

TEST_P(AgainstPyTorch, WeightsDidMove) {
  // Else the test above would show nothing.
  double moved = 0;
  for (const json& tensor : values_["weights"]) {
    moved = std::max(moved, tensor["moved"].get<double>());
    EXPECT_GT(tensor["moved"].get<double>(), 1e-3);
  }
  EXPECT_GT(moved, 4e-3);
}

INSTANTIATE_TEST_SUITE_P(Networks, AgainstPyTorch,
                         testing::Values("small", "decayed", "flowpic", "lenet"));

}  // namespace
}  // namespace flowmark
