#pragma once

#include <memory>

#include "feature/feature_spec.h"
#include "learn/cnn/trainer.h"
#include "learn/learner.h"

namespace flowmark {

/// A CNN under training. `training`'s shape (but for dropout_place, and unless it has layers),
/// balanced, seed, stop and state are set from elsewhere. Throws Error when `input` is no picture.
std::unique_ptr<Learner> make_cnn_learner(const CnnTrainingOptions& training,
                                          const LearnerOptions& options, const FeatureSpec& input);

}  // namespace flowmark
