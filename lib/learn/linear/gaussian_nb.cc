#include "learn/linear/gaussian_nb.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "learn/linear/linear_fit.h"

namespace flowmark {
namespace {

/// Mean and variance of a column in every class, the column's zeros included.
struct ColumnMoments {
  std::vector<double> mean;
  std::vector<double> variance;

  explicit ColumnMoments(size_t classes) : mean(classes), variance(classes) {}

  void compute(const TrainingData& data, std::span<const double> class_weight, uint32_t column) {
    const auto entries = data.matrix.column(column);
    std::vector<double> zeros(class_weight.begin(), class_weight.end());
    std::fill(mean.begin(), mean.end(), 0);
    for (const SparseMatrix::Entry& entry : entries) {
      const uint32_t c = data.labels[entry.index];
      mean[c] += data.weights[entry.index] * double{entry.value};
      zeros[c] -= data.weights[entry.index];
    }
    for (size_t c = 0; c < mean.size(); ++c) {
      mean[c] /= class_weight[c];
      variance[c] = std::max(zeros[c], 0.0) * mean[c] * mean[c];
    }
    for (const SparseMatrix::Entry& entry : entries) {
      const uint32_t c = data.labels[entry.index];
      const double away = double{entry.value} - mean[c];
      variance[c] += data.weights[entry.index] * away * away;
    }
    for (size_t c = 0; c < mean.size(); ++c) {
      variance[c] /= class_weight[c];
    }
  }
};

/// Over all rows, each counting once.
double largest_variance(const SparseMatrix& matrix) {
  const double rows = matrix.rows();
  double largest = 0;
  for (uint32_t j = 0; j < matrix.columns(); ++j) {
    double mean = 0;
    for (const SparseMatrix::Entry& entry : matrix.column(j)) {
      mean += double{entry.value};
    }
    mean /= rows;
    double sum = mean * mean * (rows - static_cast<double>(matrix.column(j).size()));
    for (const SparseMatrix::Entry& entry : matrix.column(j)) {
      sum += (double{entry.value} - mean) * (double{entry.value} - mean);
    }
    largest = std::max(largest, sum / rows);
  }
  return largest;
}

}  // namespace

GaussianFit fit_gaussian_nb(const TrainingData& data, double smoothing) {
  if (!(smoothing > 0) || !std::isfinite(smoothing)) {
    fail("variance smoothing {}: must be more than 0", smoothing);
  }
  const double extra = smoothing * largest_variance(data.matrix);
  if (!(extra > 0)) {
    fail("no feature varies over the {} training windows: nothing to learn from",
         data.matrix.rows());
  }
  std::vector<double> class_weight(data.class_count, 0);
  for (size_t i = 0; i < data.labels.size(); ++i) {
    class_weight[data.labels[i]] += data.weights[i];
  }
  GaussianFit fit;
  fit.linear.assign(size_t{data.class_count} * data.feature_count, 0);
  fit.squared.assign(fit.linear.size(), 0);
  for (const double weight : class_weight) {
    fit.intercepts.push_back(std::log(weight));
  }
  ColumnMoments moments(data.class_count);
  for (uint32_t j = 0; j < data.matrix.columns(); ++j) {
    moments.compute(data, class_weight, j);
    for (size_t c = 0; c < data.class_count; ++c) {
      const double variance = moments.variance[c] + extra;
      const size_t at = c * data.feature_count + data.matrix.features()[j];
      fit.linear[at] = moments.mean[c] / variance;
      fit.squared[at] = -0.5 / variance;
      fit.intercepts[c] -=
          0.5 * (std::log(variance) + moments.mean[c] * moments.mean[c] / variance);
    }
  }
  return fit;
}

QuadraticParameters GaussianFit::parameters() const {
  return {centred_on_classes(linear, intercepts.size()),
          centred_on_classes(squared, intercepts.size()),
          centred_on_classes(intercepts, intercepts.size())};
}

void fold_temperature(GaussianFit& fit, double temperature) {
  for (std::vector<double>* numbers : {&fit.linear, &fit.squared, &fit.intercepts}) {
    for (double& number : *numbers) {
      number /= temperature;
    }
  }
}

void GaussianFit::score(std::span<const SparseValue> window, std::span<double> scores) const {
  const size_t features = linear.size() / intercepts.size();
  for (size_t c = 0; c < intercepts.size(); ++c) {
    double sum = intercepts[c];
    for (const SparseValue& value : window) {
      const double x = value.value;
      const size_t at = c * features + value.index;
      sum += x * (linear[at] + x * squared[at]);
    }
    scores[c] = sum;
  }
}

}  // namespace flowmark
