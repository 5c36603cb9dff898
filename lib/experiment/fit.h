#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "experiment/experiment.h"

namespace flowmark {

/// A histogram's counts as values of another kind (LearnerKind::histogram_values). Pictures stay as
/// they are.
SparseWindow as_read(ValueKind values, const FeatureSpec& spec, const SparseWindow& counts);

/// Trains on some rows and answers for others: probabilities [test row][class]. Classes count the
/// same however many windows they have. Throws Error: an unknown learner, or one that cannot read
/// `spec`.
std::vector<float> fit_and_answer(const std::string& learner, const FeatureSpec& spec,
                                  const ExampleSet& examples, std::span<const uint32_t> train,
                                  std::span<const uint32_t> validation,
                                  std::span<const uint32_t> test, const ExperimentOptions& options,
                                  uint64_t seed);

/// The same of a multi-label set. A kind that learns sets learns all outputs at
/// once (LearnerKind::multilabel); of the others there is one model for each output.
std::vector<float> fit_and_answer_sets(const std::string& learner, const FeatureSpec& spec,
                                       const ExampleSet& examples, std::span<const uint32_t> train,
                                       std::span<const uint32_t> test,
                                       const ExperimentOptions& options, uint64_t seed);

}  // namespace flowmark
