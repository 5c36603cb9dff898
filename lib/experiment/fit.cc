#include "experiment/fit.h"

namespace flowmark {

SparseWindow as_read(ValueKind values, const FeatureSpec& spec, const SparseWindow& counts) {
  SparseWindow window = counts;
  if (!spec.image() && values != ValueKind::count) {
    for (SparseValue& value : window) {
      value.value = feature_value(values, static_cast<uint32_t>(value.value), 0);
    }
  }
  return window;
}

std::vector<float> fit_and_answer(const std::string& learner, const FeatureSpec& spec,
                                  const ExampleSet& examples, std::span<const uint32_t> train,
                                  std::span<const uint32_t> validation,
                                  std::span<const uint32_t> test, const ExperimentOptions& options,
                                  uint64_t seed) {
  LearnerOptions how;
  how.seed = seed;
  how.calibrate = !validation.empty();
  const auto one = options.learners.make(learner, how, spec);
  one->learn(examples, train, validation);
  return one->probabilities(examples, test);
}

std::vector<float> fit_and_answer_sets(const std::string& learner, const FeatureSpec& spec,
                                       const ExampleSet& examples, std::span<const uint32_t> train,
                                       std::span<const uint32_t> test,
                                       const ExperimentOptions& options, uint64_t seed) {
  if (options.learners.kind(learner, "learner").multilabel) {
    return fit_and_answer(learner, spec, examples, train, {}, test, options, seed);
  }
  const size_t classes = examples.classes.size();
  std::vector<float> answers(test.size() * classes);
  for (size_t c = 0; c < classes; ++c) {
    ExampleSet one;
    one.feature_count = examples.feature_count;
    one.classes = {"no", "yes"};
    one.flows = examples.flows;
    for (size_t row = 0; row < examples.size(); ++row) {
      ExampleInfo info = examples.info(row);
      info.class_index = static_cast<uint32_t>(info.label_set >> c & 1);
      one.add(info, examples.row(row));
    }
    const auto yes_no = fit_and_answer(learner, spec, one, train, {}, test, options, seed);
    for (size_t i = 0; i < test.size(); ++i) {
      answers[i * classes + c] = yes_no[2 * i + 1];
    }
  }
  return answers;
}

}  // namespace flowmark
