#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "experiment/experiment.h"

namespace flowmark {

/// What a learner reads of a histogram: naive Bayes and forests counts, logistic regression their
/// logarithms. Pictures stay as they are.
SparseWindow as_read(const std::string& learner, const FeatureSpec& spec,
                     const SparseWindow& counts);

/// Trains on some rows and answers for others: probabilities [test row][class]. Classes count the
/// same however many windows they have. Throws Error: an unknown learner, a cnn on histograms.
std::vector<float> fit_and_answer(const std::string& learner, const FeatureSpec& spec,
                                  const ExampleSet& examples, std::span<const uint32_t> train,
                                  std::span<const uint32_t> validation,
                                  std::span<const uint32_t> test, const ExperimentOptions& options,
                                  uint64_t seed);

/// The same of a multi-label set. Forests learn all outputs at once, the others one model each.
std::vector<float> fit_and_answer_sets(const std::string& learner, const FeatureSpec& spec,
                                       const ExampleSet& examples, std::span<const uint32_t> train,
                                       std::span<const uint32_t> test,
                                       const ExperimentOptions& options, uint64_t seed);

}  // namespace flowmark
