#pragma once

#include <memory>
#include <vector>

#include "learn/learner.h"
#include "learn/linear/train_linear.h"

namespace flowmark {

/// Logistic regression or multinomial naive Bayes under training, as `training.type` says. Without
/// strengths the kind's defaults are tried. What `options` says is set from there.
std::unique_ptr<Learner> make_linear_learner(const LinearTraining& training,
                                             const LearnerOptions& options);

/// Gaussian naive Bayes under training. `smoothings`: shares of the largest variance, of several
/// the one with the lowest validation loss; empty: the defaults.
std::unique_ptr<Learner> make_gaussian_learner(const std::vector<double>& smoothings,
                                               const LearnerOptions& options);

}  // namespace flowmark
