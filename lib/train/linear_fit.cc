#include "train/linear_fit.h"

#include <cmath>

#include "base/error.h"
#include "train/softmax.h"

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

LinearFit fit_naive_bayes(const TrainingData& data, double alpha) {
  if (!(alpha > 0) || !std::isfinite(alpha)) {
    fail("alpha {}: must be more than 0", alpha);
  }
  const uint32_t features = data.feature_count;
  LinearFit fit;
  fit.weights.assign(size_t{data.class_count} * features, 0.0);
  fit.intercepts.assign(data.class_count, 0.0);
  // Weights sum to 1; counts of rows are meant, so that alpha means what it does elsewhere.
  const auto rows = static_cast<double>(data.matrix.rows());
  for (uint32_t i = 0; i < data.matrix.rows(); ++i) {
    const double weight = data.weights[i] * rows;
    fit.intercepts[data.labels[i]] += data.weights[i];
    double* counts = fit.weights.data() + size_t{data.labels[i]} * features;
    for (const SparseMatrix::Entry& entry : data.matrix.row(i)) {
      counts[data.matrix.features()[entry.index]] += weight * static_cast<double>(entry.value);
    }
  }
  for (uint32_t c = 0; c < data.class_count; ++c) {
    double* row = fit.weights.data() + size_t{c} * features;
    double total = 0;
    for (uint32_t j = 0; j < features; ++j) {
      total += row[j] + alpha;
    }
    for (uint32_t j = 0; j < features; ++j) {
      row[j] = std::log((row[j] + alpha) / total);
    }
    fit.intercepts[c] = std::log(fit.intercepts[c]);
  }
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

}  // namespace flowmark
