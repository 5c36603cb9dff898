#pragma once

#include <cstdint>
#include <vector>

#include "data/example_set.h"
#include "data/split.h"

namespace flowmark {

/// The rows whose windows a model file carries as its self-test, ascending: of every class (every
/// set of labels) its fullest window and its thinnest, of the test data if it is there, else of the
/// validation data, else of the training data. At most `most`; where there are more classes than
/// that, the fullest windows come first.
std::vector<uint32_t> choose_golden_rows(const ExampleSet& examples, const Split& split,
                                         size_t most = 64);

}  // namespace flowmark
