// A forest trained here, written, read and run: the same answers.
#include <gtest/gtest.h>

#include <filesystem>

#include "feature/histogram/histogram.h"
#include "model/model.h"
#include "model/write/model_writer.h"
#include "unit/learn/forest/data.h"

namespace flowmark {
namespace {

void expect_same_answers(bool multilabel, bool random_thresholds) {
  ModelDescription description;
  description.task = "test";
  HistogramSpec input{.kind = HistogramKind::size_iat};
  input.size.bins = 3;
  input.iat_us.bins = 10;
  description.input = histogram(input);
  description.multilabel = multilabel;
  const ForestData data = reference_data(multilabel ? "mixed" : "counts");
  ASSERT_EQ(description.input.length(), data.examples.feature_count);
  description.classes = data.examples.classes;
  ForestOptions options;
  options.trees = 20;
  options.min_leaf = 3;
  options.random_thresholds = random_thresholds;
  const Forest forest =
      multilabel ? train_forest(data.examples, data.train, data.train_labels(), options).forest
                 : train_forest(data.examples, data.train, options).forest;
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) /
                                     ("forest_model_test_" + std::to_string(multilabel) +
                                      std::to_string(random_thresholds) + ".onnx");
  write_forest_model(path, description, forest.plan());
  const auto model = load_model(path);
  std::filesystem::remove(path);
  EXPECT_STREQ(model->engine->kind(), "forest");
  const auto scratch = model->engine->make_scratch();
  std::vector<float> dense(data.examples.feature_count, 0);
  std::vector<double> expected(forest.class_count);
  for (const uint32_t row : data.test) {
    forest.predict(data.examples.row(row), dense, expected);
    const std::span<const float> answer = model->engine->run(*scratch, data.examples.row(row));
    ASSERT_EQ(answer.size(), expected.size());
    for (size_t c = 0; c < expected.size(); ++c) {
      ASSERT_NEAR(answer[c], expected[c], 1e-5) << "row " << row;
    }
  }
}

TEST(ForestModel, AnswersAsTrained) {
  expect_same_answers(false, false);
  expect_same_answers(false, true);
  expect_same_answers(true, false);
}

}  // namespace
}  // namespace flowmark
