#pragma once

#include <CLI/CLI.hpp>

#include "learn/learners.h"

namespace flowmark {

/// Which text of a learner's option is shown; options without it are left out.
using LearnerHelp = std::string LearnerOption::*;

/// A command's options for one family of learners, set in the family as they are read; what they
/// hold before is the default. The family must outlive the parsing.
void add_learner_options(CLI::App& command, LearnerFamily& family, LearnerHelp help);

}  // namespace flowmark
