#pragma once

#include <memory>

#include "learn/learner_kind.h"

namespace flowmark {

/// Random forests, for the list in learn/learners.cc.
std::unique_ptr<LearnerFamily> make_forest_family();

}  // namespace flowmark
