#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "learn/lbfgs.h"
#include "learn/linear/linear_fit.h"
#include "learn/softmax.h"

namespace flowmark {
namespace {

/// The loss and its gradient with the memory they need.
class LogisticLoss {
 public:
  LogisticLoss(const TrainingData& data, double l2)
      : data_(data),
        l2_(l2),
        residuals_(size_t{data.matrix.rows()} * data.class_count),
        losses_(data.matrix.rows()) {}

  double operator()(std::span<const double> x, std::span<double> gradient) {
    transpose(x);
    tbb::parallel_for(tbb::blocked_range<uint32_t>(0, data_.matrix.rows(), 64),
                      [&](const auto& range) {
                        for (uint32_t i = range.begin(); i < range.end(); ++i) {
                          look_at_row(i, x);
                        }
                      });
    tbb::parallel_for(tbb::blocked_range<uint32_t>(0, data_.matrix.columns(), 16),
                      [&](const auto& range) {
                        for (uint32_t j = range.begin(); j < range.end(); ++j) {
                          column_gradient(j, x, gradient);
                        }
                      });
    return total(x, gradient);
  }

 private:
  size_t intercept(uint32_t c) const {
    return size_t{data_.class_count} * data_.matrix.columns() + c;
  }

  /// Weights of a column side by side, as a row's scores want them.
  void transpose(std::span<const double> x) {
    const uint32_t columns = data_.matrix.columns();
    side_by_side_.resize(size_t{columns} * data_.class_count);
    for (uint32_t c = 0; c < data_.class_count; ++c) {
      for (uint32_t j = 0; j < columns; ++j) {
        side_by_side_[size_t{j} * data_.class_count + c] = x[size_t{c} * columns + j];
      }
    }
  }

  /// The row's loss, and weight * (probability - truth) per class.
  void look_at_row(uint32_t i, std::span<const double> x) {
    const uint32_t classes = data_.class_count;
    const std::span<double> scores(residuals_.data() + size_t{i} * classes, classes);
    for (uint32_t c = 0; c < classes; ++c) {
      scores[c] = x[intercept(c)];
    }
    for (const SparseMatrix::Entry& entry : data_.matrix.row(i)) {
      const double* weights = side_by_side_.data() + size_t{entry.index} * classes;
      for (uint32_t c = 0; c < classes; ++c) {
        scores[c] += weights[c] * static_cast<double>(entry.value);
      }
    }
    const uint32_t truth = data_.labels[i];
    const double of_truth = scores[truth];
    losses_[i] = data_.weights[i] * (softmax(scores) - of_truth);
    scores[truth] -= 1;
    for (double& score : scores) {
      score *= data_.weights[i];
    }
  }

  void column_gradient(uint32_t j, std::span<const double> x, std::span<double> gradient) const {
    const uint32_t classes = data_.class_count;
    const uint32_t columns = data_.matrix.columns();
    std::vector<double> sums(classes, 0);
    for (const SparseMatrix::Entry& entry : data_.matrix.column(j)) {
      const double* residuals = residuals_.data() + size_t{entry.index} * classes;
      for (uint32_t c = 0; c < classes; ++c) {
        sums[c] += residuals[c] * static_cast<double>(entry.value);
      }
    }
    for (uint32_t c = 0; c < classes; ++c) {
      const size_t place = size_t{c} * columns + j;
      gradient[place] = sums[c] + l2_ * x[place];
    }
  }

  double total(std::span<const double> x, std::span<double> gradient) const {
    const uint32_t classes = data_.class_count;
    double loss = 0;
    for (uint32_t c = 0; c < classes; ++c) {
      gradient[intercept(c)] = 0;
    }
    for (uint32_t i = 0; i < data_.matrix.rows(); ++i) {
      loss += losses_[i];
      for (uint32_t c = 0; c < classes; ++c) {
        gradient[intercept(c)] += residuals_[size_t{i} * classes + c];
      }
    }
    double squares = 0;
    for (size_t place = 0; place < intercept(0); ++place) {
      squares += x[place] * x[place];
    }
    return loss + 0.5 * l2_ * squares;
  }

  const TrainingData& data_;
  double l2_;
  std::vector<double> residuals_;  ///< [row][class]
  std::vector<double> losses_;     ///< [row]
  std::vector<double> side_by_side_;
};

/// 1 / sqrt of a bound on the curvature along each parameter: in these units the problem is round,
/// however rare or large a feature is.
std::vector<double> units(const TrainingData& data, double l2) {
  const uint32_t columns = data.matrix.columns();
  std::vector<double> scale(size_t{data.class_count} * (columns + 1), 2.0);
  for (uint32_t j = 0; j < columns; ++j) {
    double curvature = l2;
    for (const SparseMatrix::Entry& entry : data.matrix.column(j)) {
      const auto value = static_cast<double>(entry.value);
      curvature += 0.25 * data.weights[entry.index] * value * value;
    }
    for (uint32_t c = 0; c < data.class_count; ++c) {
      scale[size_t{c} * columns + j] = 1 / std::sqrt(std::max(curvature, 1e-300));
    }
  }
  return scale;
}

LinearFit spread(const TrainingData& data, std::span<const double> x) {
  const uint32_t columns = data.matrix.columns();
  LinearFit fit;
  fit.weights.assign(size_t{data.class_count} * data.feature_count, 0.0);
  for (uint32_t c = 0; c < data.class_count; ++c) {
    for (uint32_t j = 0; j < columns; ++j) {
      fit.weights[size_t{c} * data.feature_count + data.matrix.features()[j]] =
          x[size_t{c} * columns + j];
    }
  }
  fit.intercepts.assign(x.end() - data.class_count, x.end());
  return fit;
}

double largest_magnitude(std::span<const double> numbers) {
  double most = 0;
  for (const double number : numbers) {
    most = std::max(most, std::fabs(number));
  }
  return most;
}

/// The parameters of a fit, the other way round.
std::vector<double> gather(const TrainingData& data, const LinearFit& fit) {
  const uint32_t columns = data.matrix.columns();
  if (fit.class_count() != data.class_count ||
      fit.weights.size() != size_t{data.class_count} * data.feature_count) {
    fail("weights to start with: of {} classes and {} numbers, must be of {} and {}",
         fit.class_count(), fit.weights.size(), data.class_count,
         size_t{data.class_count} * data.feature_count);
  }
  std::vector<double> x;
  for (uint32_t c = 0; c < data.class_count; ++c) {
    for (uint32_t j = 0; j < columns; ++j) {
      x.push_back(fit.weights[size_t{c} * data.feature_count + data.matrix.features()[j]]);
    }
  }
  x.insert(x.end(), fit.intercepts.begin(), fit.intercepts.end());
  return x;
}

/// Watches the loss on validation rows, whose columns may be others than the training's.
class EarlyStop {
 public:
  EarlyStop(const TrainingData& training, const TrainingData& validation)
      : training_(training), validation_(validation) {}

  /// False once `patience` iterations have brought nothing.
  bool go_on(std::span<const double> x, uint32_t patience) {
    const double loss = validation_loss(x);
    if (best_.empty() || loss < best_loss_) {
      best_loss_ = loss;
      best_.assign(x.begin(), x.end());
      since_best_ = 0;
      return true;
    }
    return ++since_best_ < patience;
  }

  const std::vector<double>& best() const { return best_; }

 private:
  double validation_loss(std::span<const double> x) const {
    const LinearFit fit = spread(training_, x);
    double loss = 0;
    std::vector<double> scores(fit.class_count());
    std::vector<SparseValue> window;
    for (uint32_t i = 0; i < validation_.matrix.rows(); ++i) {
      window.clear();
      for (const SparseMatrix::Entry& entry : validation_.matrix.row(i)) {
        window.push_back({validation_.matrix.features()[entry.index], entry.value});
      }
      fit.score(window, scores);
      const double of_truth = scores[validation_.labels[i]];
      loss += validation_.weights[i] * (softmax(scores) - of_truth);
    }
    return loss;
  }

  const TrainingData& training_;
  const TrainingData& validation_;
  std::vector<double> best_;
  double best_loss_ = 0;
  uint32_t since_best_ = 0;
};

}  // namespace

double logistic_loss(const TrainingData& data, double l2, std::span<const double> x,
                     std::span<double> gradient) {
  return LogisticLoss(data, l2)(x, gradient);
}

LinearFit fit_logistic(const TrainingData& data, const LogisticOptions& options,
                       const TrainingData* validation) {
  if (!(options.l2 >= 0) || !std::isfinite(options.l2)) {
    fail("l2 {}: must be 0 or more", options.l2);
  }
  if (options.patience > 0 && validation == nullptr) {
    fail("early stopping needs validation data");
  }
  LogisticLoss loss(data, options.l2);
  const std::vector<double> scale = units(data, options.l2);
  std::vector<double> x(scale.size());
  const auto to_x = [&](std::span<const double> u) {
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = u[i] * scale[i];
    }
  };
  EarlyStop early(data, validation != nullptr ? *validation : data);
  const uint32_t before = options.start != nullptr ? options.start->iterations : 0;
  LbfgsOptions solver;
  solver.max_iterations = options.max_iterations - std::min(before, options.max_iterations);
  solver.gradient_tolerance = options.tolerance;
  solver.on_iteration = [&](uint32_t iteration, std::span<const double> u, double value) {
    if (options.on_iteration) {
      options.on_iteration(before + iteration, value);
    }
    to_x(u);
    const bool stopped = options.stop != nullptr && options.stop->load();
    return (options.patience == 0 || early.go_on(x, options.patience)) && !stopped;
  };
  const Objective objective = [&](std::span<const double> at, std::span<double> gradient) {
    to_x(at);
    const double value = loss(x, gradient);
    for (size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] *= scale[i];
    }
    return value;
  };
  std::vector<double> u(scale.size(), 0.0);
  if (options.start != nullptr) {
    // As near as the training that is gone on with was to come.
    std::vector<double> gradient(u.size());
    objective(u, gradient);
    solver.gradient_scale = largest_magnitude(gradient);
    u = gather(data, *options.start);
    for (size_t i = 0; i < u.size(); ++i) {
      u[i] /= scale[i];
    }
  }
  const LbfgsResult result = minimise_lbfgs(objective, u, solver);
  to_x(u);
  LinearFit fit = spread(data, early.best().empty() ? x : early.best());
  fit.iterations = before + result.iterations;
  fit.loss = result.value;
  fit.converged = result.converged || options.patience > 0;
  return fit;
}

}  // namespace flowmark
