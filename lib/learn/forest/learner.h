#pragma once

#include <memory>

#include "learn/forest/trainer.h"
#include "learn/learner.h"

namespace flowmark {

/// A forest under training. `growing`'s balanced, seed and state are set from `options`.
std::unique_ptr<Learner> make_forest_learner(const ForestOptions& growing,
                                             const LearnerOptions& options);

}  // namespace flowmark
