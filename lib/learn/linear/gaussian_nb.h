#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/sparse_matrix.h"
#include "feature/sparse_window.h"
#include "model/write/model_writer.h"

namespace flowmark {

/// Gaussian naive Bayes as scores that are quadratic in every feature:
///
///   score_c = intercept_c + sum_j (linear_cj * x_j + squared_cj * x_j^2)
///
/// the log of prior times densities, up to a term that is the same for all classes; probabilities
/// are their softmax. A feature that is 0 adds nothing. Features without variance in the training
/// rows have weight 0.
struct GaussianFit {
  std::vector<double> linear;   ///< [class][feature], mean / variance
  std::vector<double> squared;  ///< [class][feature], -1 / (2 variance)
  std::vector<double> intercepts;

  uint32_t class_count() const noexcept { return static_cast<uint32_t>(intercepts.size()); }
  /// The scores of one window into `scores` [class].
  void score(std::span<const SparseValue> window, std::span<double> scores) const;
  /// As written to a model file: what all classes have in common is taken away before rounding.
  QuadraticParameters parameters() const;
};

/// Divides scores by the temperature for good.
void fold_temperature(GaussianFit& fit, double temperature);

/// Mean and variance of every feature in every class, by the rows' weights. To each variance is
/// added `smoothing` times the largest variance of a feature over all rows (scikit-learn's
/// var_smoothing). Throws Error: smoothing not above 0; no feature varies.
GaussianFit fit_gaussian_nb(const TrainingData& data, double smoothing);

}  // namespace flowmark
