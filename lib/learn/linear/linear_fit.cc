#include "learn/linear/linear_fit.h"

#include <tbb/parallel_for.h>

#include <cmath>

#include "base/error.h"
#include "learn/softmax.h"

namespace flowmark {

void LinearFit::score(std::span<const SparseValue> window, std::span<double> scores) const {
  const size_t features = weights.size() / intercepts.size();
  for (size_t c = 0; c < intercepts.size(); ++c) {
    const double* row = weights.data() + c * features;
    double sum = intercepts[c];
    for (const SparseValue& value : window) {
      sum += row[value.index] * static_cast<double>(value.value);
    }
    scores[c] = sum;
  }
}

std::vector<float> centred_on_classes(std::span<const double> numbers, size_t classes) {
  const size_t columns = numbers.size() / classes;
  std::vector<float> out(numbers.size());
  for (size_t j = 0; j < columns; ++j) {
    double mean = 0;
    for (size_t c = 0; c < classes; ++c) {
      mean += numbers[c * columns + j] / static_cast<double>(classes);
    }
    for (size_t c = 0; c < classes; ++c) {
      out[c * columns + j] = static_cast<float>(numbers[c * columns + j] - mean);
    }
  }
  return out;
}

LinearParameters LinearFit::parameters() const {
  return {centred_on_classes(weights, intercepts.size()),
          centred_on_classes(intercepts, intercepts.size())};
}

LinearFit fit_naive_bayes(const ExampleSet& examples, std::span<const uint32_t> rows, bool balanced,
                          double alpha) {
  if (!(alpha > 0) || !std::isfinite(alpha)) {
    fail("alpha {}: must be more than 0", alpha);
  }
  const std::vector<uint32_t> count = count_by_class(examples, rows);
  const size_t classes = count.size();
  std::vector<std::vector<uint32_t>> rows_of(classes);
  for (size_t c = 0; c < classes; ++c) {
    rows_of[c].reserve(count[c]);
  }
  for (const uint32_t row : rows) {
    rows_of[examples.info(row).class_index].push_back(row);
  }
  const size_t features = examples.feature_count;
  LinearFit fit;
  fit.weights.assign(classes * features, 0.0);
  fit.intercepts.assign(classes, 0.0);
  const auto learn = [&](size_t c) {
    double* const sums = fit.weights.data() + c * features;
    for (const uint32_t row : rows_of[c]) {
      for (const SparseValue& value : examples.row(row)) {
        sums[value.index] += static_cast<double>(value.value);
      }
    }
    const double share = balanced
                             ? 1.0 / static_cast<double>(classes)
                             : static_cast<double>(count[c]) / static_cast<double>(rows.size());
    // A row's weight, 1 on average, so that alpha means what it does elsewhere.
    const double weight = share * static_cast<double>(rows.size()) / count[c];
    double total = 0;
    for (size_t j = 0; j < features; ++j) {
      sums[j] = sums[j] * weight + alpha;
      total += sums[j];
    }
    for (size_t j = 0; j < features; ++j) {
      sums[j] = std::log(sums[j] / total);
    }
    fit.intercepts[c] = std::log(share);
  };
  tbb::parallel_for(size_t{0}, classes, learn);
  return fit;
}

double mean_log_loss(const LinearFit& fit, const ExampleSet& examples,
                     std::span<const uint32_t> rows, double temperature) {
  std::vector<double> scores(fit.class_count());
  double loss = 0;
  for (const uint32_t row : rows) {
    fit.score(examples.row(row), scores);
    for (double& score : scores) {
      score /= temperature;
    }
    const double of_truth = scores[examples.info(row).class_index];
    loss += softmax(scores) - of_truth;
  }
  return rows.empty() ? 0 : loss / static_cast<double>(rows.size());
}

void fold_temperature(LinearFit& fit, double temperature) {
  for (double& weight : fit.weights) {
    weight /= temperature;
  }
  for (double& intercept : fit.intercepts) {
    intercept /= temperature;
  }
}

Calibration calibrate(const LinearFit& fit, const ExampleSet& examples,
                      std::span<const uint32_t> rows) {
  const uint32_t classes = fit.class_count();
  std::vector<double> scores(rows.size() * classes);
  std::vector<uint32_t> labels;
  for (size_t i = 0; i < rows.size(); ++i) {
    fit.score(examples.row(rows[i]), std::span(scores).subspan(i * classes, classes));
    labels.push_back(examples.info(rows[i]).class_index);
  }
  return calibrate_scores(scores, labels, classes);
}

}  // namespace flowmark
