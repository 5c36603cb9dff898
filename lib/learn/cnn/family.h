#pragma once

#include <memory>

#include "learn/learner_kind.h"

namespace flowmark {

/// The FlowPic network, for the list in learn/learners.cc.
std::unique_ptr<LearnerFamily> make_cnn_family();

}  // namespace flowmark
