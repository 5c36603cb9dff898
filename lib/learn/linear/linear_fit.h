#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/example_set.h"
#include "data/sparse_matrix.h"
#include "learn/calibrate.h"
#include "model/write/model_writer.h"

namespace flowmark {

/// A trained multinomial linear model in double precision: score_c = weights_c * x + intercept_c.
struct LinearFit {
  std::vector<double> weights;     ///< [class][feature]
  std::vector<double> intercepts;  ///< [class]
  uint32_t iterations = 0;
  double loss = 0;  ///< of the training data, penalty included; 0 for naive Bayes
  bool converged = true;

  uint32_t class_count() const noexcept { return static_cast<uint32_t>(intercepts.size()); }
  /// The scores of one window into `scores` [class].
  void score(std::span<const SparseValue> window, std::span<double> scores) const;
  /// As written to a model file: centred_on_classes.
  LinearParameters parameters() const;
};

/// [class][column] rounded to float, after what the classes have in common in a column (the mean)
/// is taken away: in a softmax it changes nothing, but its size would cost digits.
std::vector<float> centred_on_classes(std::span<const double> numbers, size_t classes);

struct LogisticOptions {
  /// The penalty: (l2 / 2) * sum of squared weights is added to the mean cross entropy. Intercepts
  /// are free. scikit-learn's C for n rows is 1 / (l2 * n).
  double l2 = 1e-4;
  uint32_t max_iterations = 2000;
  double tolerance = 1e-6;  ///< of the gradient, relative to the one of no weights at all
  /// Begin with these weights instead of none; its iterations count. Of a training with the same
  /// features and classes.
  const LinearFit* start = nullptr;
  /// > 0: stop after so many iterations without a better loss on the validation rows, and go back
  /// to the best.
  uint32_t patience = 0;
  std::function<void(uint32_t iteration, double loss)> on_iteration;
  const std::atomic<bool>* stop = nullptr;  ///< set from elsewhere: the weights so far are the fit
};

/// Multinomial logistic regression: the weighted mean cross entropy plus penalty, minimised by
/// L-BFGS over all rows at once, in parallel, the same on any number of threads. `validation` may
/// be null when patience is 0.
LinearFit fit_logistic(const TrainingData& data, const LogisticOptions& options,
                       const TrainingData* validation = nullptr);

/// The objective of fit_logistic and its gradient, for tests: x is [class][column] weights, then
/// [class] intercepts.
double logistic_loss(const TrainingData& data, double l2, std::span<const double> x,
                     std::span<double> gradient);

/// Multinomial naive Bayes with additive smoothing `alpha` over all features of the input, class
/// priors by weight (`balanced`: equal): in closed form, log P(feature | class) as weights.
/// Straight from the rows, classes in parallel: one pass is all it needs, making a matrix would
/// cost more. Throws Error: a class without rows, an alpha that is not above 0.
LinearFit fit_naive_bayes(const ExampleSet& examples, std::span<const uint32_t> rows, bool balanced,
                          double alpha);

/// Mean cross entropy (weighted) of a fit on data; the scores are divided by `temperature`.
double mean_log_loss(const LinearFit& fit, const ExampleSet& examples,
                     std::span<const uint32_t> rows, double temperature = 1);

/// The temperature for a fit's scores of some rows (learn/calibrate.h).
Calibration calibrate(const LinearFit& fit, const ExampleSet& examples,
                      std::span<const uint32_t> rows);

/// Divides scores by the temperature for good.
void fold_temperature(LinearFit& fit, double temperature);

}  // namespace flowmark
