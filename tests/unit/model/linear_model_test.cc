#include <cmath>

#include "model/model.h"
#include "unit/model/model_test_util.h"

namespace flowmark {
namespace {

using testing::histogram_spec;
using testing::random_floats;
using testing::random_window;

struct Linear {
  ModelDescription description;
  LinearParameters parameters;
};

Linear random_linear(uint32_t classes, bool multilabel, std::mt19937& random) {
  Linear linear;
  linear.description.task = "category";
  linear.description.input = histogram_spec(16, 30);
  linear.description.multilabel = multilabel;
  for (uint32_t c = 0; c < classes; ++c) {
    linear.description.classes.push_back("class " + std::to_string(c));
  }
  const uint32_t length = linear.description.input.length();
  linear.parameters.weights = random_floats(size_t{classes} * length, 0.1F, random);
  linear.parameters.intercepts = random_floats(classes, 0.5F, random);
  for (size_t count : {0, 1, 300}) {
    linear.description.golden_inputs.push_back(random_window(length, count, random));
  }
  return linear;
}

std::vector<double> expected_probabilities(const Linear& linear, const SparseWindow& window) {
  const size_t length = linear.description.input.length();
  std::vector<double> scores;
  for (size_t c = 0; c < linear.parameters.intercepts.size(); ++c) {
    double score = linear.parameters.intercepts[c];
    for (const SparseValue& value : window) {
      score += double{linear.parameters.weights[c * length + value.index]} * value.value;
    }
    scores.push_back(score);
  }
  double sum = 0;
  for (const double score : scores) sum += std::exp(score);
  for (double& score : scores) {
    score = linear.description.multilabel ? 1 / (1 + std::exp(-score)) : std::exp(score) / sum;
  }
  return scores;
}

class LinearModel : public ::testing::TestWithParam<std::tuple<uint32_t, bool>> {};

TEST_P(LinearModel, AnswersAsTheFormulaSays) {
  std::mt19937 random(7);
  const auto [classes, multilabel] = GetParam();
  const Linear linear = random_linear(classes, multilabel, random);
  const testing::TestDirectory directory;
  write_linear_model(directory / "model.onnx", linear.description, linear.parameters);
  const auto model = load_model(directory / "model.onnx", {.require_golden = true});
  EXPECT_EQ(model->classes, linear.description.classes);
  EXPECT_EQ(model->input, linear.description.input);
  EXPECT_EQ(model->golden_windows, 3u);
  EXPECT_EQ(model->parameters, uint64_t{classes} * (model->input.length() + 1));
  EXPECT_STREQ(model->engine->kind(), "linear");
  const auto scratch = model->engine->make_scratch();
  for (const size_t count : {0, 1, 2, 100, 960}) {
    const SparseWindow window = random_window(model->input.length(), count, random);
    const auto expected = expected_probabilities(linear, window);
    const auto got = model->engine->run(*scratch, window);
    ASSERT_EQ(got.size(), classes);
    for (size_t c = 0; c < classes; ++c) EXPECT_NEAR(got[c], expected[c], 1e-5) << c;
  }
}

INSTANTIATE_TEST_SUITE_P(ClassCounts, LinearModel,
                         ::testing::Combine(::testing::Values(2, 3, 5, 16, 17, 40),
                                            ::testing::Bool()));

TEST(LinearModelWriter, RefusesParametersOfTheWrongSize) {
  std::mt19937 random(1);
  Linear linear = random_linear(3, false, random);
  linear.parameters.weights.pop_back();
  const testing::TestDirectory directory;
  EXPECT_THAT(testing::error_of([&] {
                write_linear_model(directory / "m.onnx", linear.description, linear.parameters);
              }),
              ::testing::HasSubstr("2879 weights and 3 intercepts do not make 3 classes of 960"));
  EXPECT_FALSE(std::filesystem::exists(directory / "m.onnx"));
}

}  // namespace
}  // namespace flowmark
