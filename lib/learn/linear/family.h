#pragma once

#include <memory>

#include "learn/learner_kind.h"

namespace flowmark {

/// Logistic regression, multinomial and Gaussian naive Bayes, for the list in learn/learners.cc.
std::unique_ptr<LearnerFamily> make_linear_family();

}  // namespace flowmark
