#include "learn/linear/gaussian_nb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "learn/softmax.h"
#include "unit/learn/forest/data.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(GaussianNaiveBayes, GivesScikitLearnsProbabilities) {
  const ForestData data = reference_data("counts");
  const nlohmann::json& reference = forest_reference()["gaussian_nb"];
  for (const bool balanced : {false, true}) {
    const TrainingData training(data.examples, data.train, balanced);
    const GaussianFit fit = fit_gaussian_nb(training, reference["smoothing"].get<double>());
    const nlohmann::json& expected = reference[balanced ? "balanced" : "plain"];
    ASSERT_EQ(expected.size(), 80U);
    std::vector<double> answer(4);
    for (size_t i = 0; i < expected.size(); ++i) {
      fit.score(data.examples.row(data.test[i]), answer);
      softmax(answer);
      for (size_t c = 0; c < 4; ++c) {
        EXPECT_NEAR(answer[c], expected[i][c].get<double>(), 1e-7) << "row " << i;
      }
    }
  }
}

TEST(GaussianNaiveBayes, RefusesWhatTeachesNothing) {
  ForestData data = empty_forest_data(3, 2);
  for (uint32_t i = 0; i < 6; ++i) {
    data.add({{1, 2.0F}}, i % 2);
  }
  const TrainingData training(data.examples, data.train, false);
  EXPECT_THAT([&] { fit_gaussian_nb(training, 1e-9); },
              ThrowsMessage<Error>(HasSubstr("no feature varies over the 6 training windows")));
  EXPECT_THAT([&] { fit_gaussian_nb(training, 0); },
              ThrowsMessage<Error>(HasSubstr("smoothing 0: must be more than 0")));
}

}  // namespace
}  // namespace flowmark
