#pragma once

#include <string>

#include "data/split.h"

namespace flowmark {

/// How many flows and windows of which class are in which part, as a table for people, and what the
/// way of splitting means for the figures.
std::string describe_split(const ExampleSet& examples, const Split& split,
                           const SplitOptions& options);

}  // namespace flowmark
