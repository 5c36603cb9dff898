#include "learn/linear/linear_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "learn/softmax.h"

namespace flowmark {
namespace {

using nlohmann::json;

/// The committed data set and scikit-learn's answers (reference_fit.py).
struct Reference {
  Reference() {
    std::ifstream file(FLOWMARK_SOURCE_DIR "/tests/unit/learn/linear/reference_fit.json");
    values = json::parse(file);
    examples.classes = {"a", "b", "c"};
    examples.feature_count = values["features"];
    examples.flows.resize(1);
    for (size_t i = 0; i < values["rows"].size(); ++i) {
      SparseWindow window;
      for (const json& pair : values["rows"][i]) {
        window.push_back({pair[0], pair[1]});
      }
      ExampleInfo info;
      info.class_index = values["labels"][i];
      examples.add(info, window);
      rows.push_back(static_cast<uint32_t>(i));
    }
  }

  void expect_probabilities(const LinearFit& fit, const json& expected, double tolerance) const {
    std::vector<double> scores(3);
    for (const uint32_t row : rows) {
      fit.score(examples.row(row), scores);
      softmax(scores);
      for (size_t c = 0; c < 3; ++c) {
        EXPECT_NEAR(scores[c], expected[row][c].get<double>(), tolerance) << "row " << row;
      }
    }
  }

  /// scikit-learn's C of the mean form.
  double l2() const { return 1 / (values["c"].get<double>() * static_cast<double>(rows.size())); }

  json values;
  ExampleSet examples;
  std::vector<uint32_t> rows;
};

LogisticOptions exact(double l2) {
  LogisticOptions options;
  options.l2 = l2;
  options.tolerance = 1e-10;
  options.max_iterations = 10000;
  return options;
}

TEST(Logistic, GradientAgreesWithFiniteDifferences) {
  const Reference reference;
  const TrainingData data(reference.examples, reference.rows, true);
  std::vector<double> x(size_t{3} * (data.matrix.columns() + 1));
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = 0.3 * std::sin(static_cast<double>(i));
  }
  std::vector<double> gradient(x.size());
  std::vector<double> ignored(x.size());
  logistic_loss(data, 0.01, x, gradient);
  constexpr double kStep = 1e-5;
  for (size_t i = 0; i < x.size(); ++i) {
    std::vector<double> moved = x;
    moved[i] = x[i] + kStep;
    const double above = logistic_loss(data, 0.01, moved, ignored);
    moved[i] = x[i] - kStep;
    const double below = logistic_loss(data, 0.01, moved, ignored);
    EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 1e-8) << "parameter " << i;
  }
}

TEST(Logistic, ReachesTheOptimumThatScikitLearnFinds) {
  const Reference reference;
  for (const bool balanced : {false, true}) {
    const TrainingData data(reference.examples, reference.rows, balanced);
    const LinearFit fit = fit_logistic(data, exact(reference.l2()));
    EXPECT_TRUE(fit.converged);
    const json& expected = reference.values[balanced ? "logistic_balanced" : "logistic"];
    for (size_t c = 0; c < 3; ++c) {
      for (size_t j = 0; j < 24; ++j) {
        EXPECT_NEAR(fit.weights[c * 24 + j], expected["weights"][c][j].get<double>(), 1e-6);
      }
    }
    reference.expect_probabilities(fit, expected["probabilities"], 1e-7);
  }
}

TEST(Logistic, GivesTheSameBitsEachTime) {
  const Reference reference;
  const TrainingData data(reference.examples, reference.rows, true);
  const LinearFit first = fit_logistic(data, exact(1e-3));
  const LinearFit second = fit_logistic(data, exact(1e-3));
  EXPECT_EQ(first.weights, second.weights);
  EXPECT_EQ(first.intercepts, second.intercepts);
}

TEST(Logistic, AFeatureThatNeverOccursGetsNoWeight) {
  const Reference reference;
  const TrainingData data(reference.examples, reference.rows, false);
  EXPECT_EQ(data.matrix.columns(), 23U);
  const LinearFit fit = fit_logistic(data, exact(1e-3));
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(fit.weights[c * 24 + 5], 0.0);
  }
}

TEST(Logistic, EarlyStoppingGoesBackToTheBestOnValidation) {
  const Reference reference;
  std::vector<uint32_t> train(reference.rows.begin(), reference.rows.begin() + 45);
  std::vector<uint32_t> held(reference.rows.begin() + 45, reference.rows.end());
  const TrainingData data(reference.examples, train, false);
  const TrainingData validation(reference.examples, held, false);
  LogisticOptions options = exact(0);
  options.tolerance = 1e-6;
  options.max_iterations = 300;
  const LinearFit to_the_end = fit_logistic(data, options);
  options.patience = 10;
  const LinearFit stopped = fit_logistic(data, options, &validation);
  EXPECT_LT(stopped.iterations, to_the_end.iterations);
  EXPECT_LT(mean_log_loss(stopped, reference.examples, held),
            mean_log_loss(to_the_end, reference.examples, held));
}

TEST(NaiveBayes, IsTheClosedForm) {
  ExampleSet examples;
  examples.classes = {"a", "b"};
  examples.feature_count = 3;
  examples.flows.resize(1);
  ExampleInfo info;
  examples.add(info, SparseWindow{{0, 2}, {1, 1}});
  examples.add(info, SparseWindow{{0, 1}});
  info.class_index = 1;
  examples.add(info, SparseWindow{{2, 4}});
  const std::vector<uint32_t> rows{0, 1, 2};
  const LinearFit fit = fit_naive_bayes(examples, rows, false, 1);
  const double a[] = {4.0 / 7, 2.0 / 7, 1.0 / 7};
  const double b[] = {1.0 / 7, 1.0 / 7, 5.0 / 7};
  for (size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(fit.weights[j], std::log(a[j]), 1e-12);
    EXPECT_NEAR(fit.weights[3 + j], std::log(b[j]), 1e-12);
  }
  EXPECT_NEAR(fit.intercepts[0], std::log(2.0 / 3), 1e-12);
  EXPECT_NEAR(fit.intercepts[1], std::log(1.0 / 3), 1e-12);
}

TEST(NaiveBayes, BalancedClassesCountTheSame) {
  // Twice the rows of one class, each counting half as much.
  ExampleSet examples;
  examples.classes = {"a", "b"};
  examples.feature_count = 2;
  examples.flows.resize(1);
  ExampleInfo info;
  examples.add(info, SparseWindow{{0, 2}, {1, 1}});
  examples.add(info, SparseWindow{{0, 1}});
  info.class_index = 1;
  examples.add(info, SparseWindow{{1, 4}});
  const std::vector<uint32_t> rows{0, 1, 2};
  const LinearFit fit = fit_naive_bayes(examples, rows, true, 1);
  // Rows weigh 3/4, 3/4 and 3/2: counts 2.25 and 0.75; 0 and 6.
  const double expected[] = {3.25 / 5, 1.75 / 5, 1.0 / 8, 7.0 / 8};
  for (size_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(fit.weights[j], std::log(expected[j]), 1e-12);
  }
  EXPECT_NEAR(fit.intercepts[0], std::log(0.5), 1e-12);
  EXPECT_NEAR(fit.intercepts[1], std::log(0.5), 1e-12);
}

TEST(NaiveBayes, AgreesWithScikitLearn) {
  const Reference reference;
  const LinearFit fit =
      fit_naive_bayes(reference.examples, reference.rows, false, reference.values["alpha"]);
  const json& expected = reference.values["naive_bayes"];
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(fit.intercepts[c], expected["intercepts"][c].get<double>(), 1e-9);
    for (size_t j = 0; j < 24; ++j) {
      EXPECT_NEAR(fit.weights[c * 24 + j], expected["weights"][c][j].get<double>(), 1e-9);
    }
  }
  reference.expect_probabilities(fit, expected["probabilities"], 1e-9);
}

TEST(Calibration, FindsTheTemperatureThatScoresWereMultipliedBy) {
  // Two classes, one feature; the true log odds are 1 at x = 1 and -1 at x = -1, scored as 5 and
  // -5.
  ExampleSet examples;
  examples.classes = {"a", "b"};
  examples.feature_count = 1;
  examples.flows.resize(1);
  std::vector<uint32_t> rows;
  const auto add = [&](uint32_t truth, float x, int times) {
    ExampleInfo info;
    info.class_index = truth;
    for (int i = 0; i < times; ++i) {
      rows.push_back(static_cast<uint32_t>(examples.size()));
      examples.add(info, SparseWindow{{0, x}});
    }
  };
  add(0, 1, 731);  // 1 / (1 + exp(-1)) = 0.731
  add(1, 1, 269);
  add(1, -1, 731);
  add(0, -1, 269);
  LinearFit fit;
  fit.weights = {2.5, -2.5};
  fit.intercepts = {0, 0};
  const double temperature = calibrate(fit, examples, rows).temperature;
  EXPECT_NEAR(temperature, 5, 0.05);
  const double before = mean_log_loss(fit, examples, rows);
  fold_temperature(fit, temperature);
  EXPECT_NEAR(fit.weights[0], 0.5, 0.01);
  EXPECT_LT(mean_log_loss(fit, examples, rows), before);
}

TEST(Training, RefusesWhatCannotBeLearnt) {
  const Reference reference;
  const TrainingData data(reference.examples, reference.rows, false);
  for (const double alpha : {0.0, -1.0, std::nan("")}) {
    EXPECT_THROW(fit_naive_bayes(reference.examples, reference.rows, false, alpha), Error);
  }
  EXPECT_THROW(fit_logistic(data, exact(-1)), Error);
  EXPECT_THROW(fit_logistic(data, exact(std::nan(""))), Error);
  std::vector<uint32_t> of_one_class;
  for (const uint32_t row : reference.rows) {
    if (reference.examples.info(row).class_index == 0) {
      of_one_class.push_back(row);
    }
  }
  EXPECT_THROW(TrainingData(reference.examples, of_one_class, false), Error);
  EXPECT_THROW(fit_naive_bayes(reference.examples, of_one_class, false, 1), Error);
  ExampleSet examples = reference.examples;
  EXPECT_THROW(examples.add({}, SparseWindow{{0, std::numeric_limits<float>::quiet_NaN()}}), Error);
  EXPECT_THROW(examples.add({}, SparseWindow{{24, 1}}), Error);
}

/// Naive Bayes of rare features has log probabilities of -10 and more, all classes alike: rounded
/// as they are, windows of a thousand packets would lose digits.
TEST(LinearFit, RoundingKeepsWhatTellsClassesApart) {
  LinearFit fit;
  const uint32_t features = 500;
  for (uint32_t c = 0; c < 3; ++c) {
    for (uint32_t j = 0; j < features; ++j) {
      fit.weights.push_back(-12.3456789 - 0.01 * j + 1e-4 * std::sin(1.0 * (c + 1) * (j + 1)));
    }
    fit.intercepts.push_back(-5000.1234 + 0.37 * c);
  }
  SparseWindow window;
  for (uint32_t j = 0; j < features; ++j) {
    window.push_back({j, static_cast<float>(1 + j % 7)});
  }
  std::vector<double> exact(3);
  fit.score(window, exact);
  softmax(exact);
  const LinearParameters rounded = fit.parameters();
  std::vector<double> scores(3);
  for (uint32_t c = 0; c < 3; ++c) {
    scores[c] = double{rounded.intercepts[c]};
    for (const SparseValue& value : window) {
      scores[c] += double{rounded.weights[c * features + value.index]} * double{value.value};
    }
  }
  softmax(scores);
  for (uint32_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(scores[c], exact[c], 1e-6);
  }
}

}  // namespace
}  // namespace flowmark
