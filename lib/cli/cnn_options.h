#pragma once

#include <CLI/CLI.hpp>

#include "learn/cnn/trainer.h"

namespace flowmark {

/// The command line's options about how a CNN learns, set in `cnn` as they are read; what `cnn`
/// holds before is the default. Used by `train` and `experiment`.
void add_cnn_learning_options(CLI::App& command, CnnTrainingOptions& cnn);

}  // namespace flowmark
