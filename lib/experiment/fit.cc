#include "experiment/fit.h"

#include "base/error.h"
#include "learn/learner.h"

namespace flowmark {
namespace {

constexpr uint32_t kCnnPatience = 8;

std::unique_ptr<Learner> learner_of(const std::string& name, const FeatureSpec& spec,
                                    bool validated, const ExperimentOptions& options,
                                    uint64_t seed) {
  LearnerOptions how;
  how.type = parse_learner_type(name, "learner");
  how.seed = seed;
  how.forest.trees = options.trees;
  how.forest.features_per_split = options.features_per_split;
  how.forest.random_thresholds = options.extra_trees;
  how.forest.bootstrap = !options.extra_trees;
  how.forest.out_of_bag = false;
  how.cnn = options.cnn;
  how.cnn.max_epochs = options.epochs;
  const bool last = options.cnn.judge == CnnTrainingOptions::Judge::last;
  how.cnn.patience = validated && !last ? kCnnPatience : 0;
  how.calibrate = validated;
  return make_learner(how, spec);
}

}  // namespace

SparseWindow as_read(const std::string& learner, const FeatureSpec& spec,
                     const SparseWindow& counts) {
  SparseWindow window = counts;
  if (!spec.image() && learner == "logistic") {
    for (SparseValue& value : window) {
      value.value = feature_value(ValueKind::log1p, static_cast<uint32_t>(value.value), 0);
    }
  }
  return window;
}

std::vector<float> fit_and_answer(const std::string& learner, const FeatureSpec& spec,
                                  const ExampleSet& examples, std::span<const uint32_t> train,
                                  std::span<const uint32_t> validation,
                                  std::span<const uint32_t> test, const ExperimentOptions& options,
                                  uint64_t seed) {
  const auto one = learner_of(learner, spec, !validation.empty(), options, seed);
  one->learn(examples, train, validation);
  return one->probabilities(examples, test);
}

std::vector<float> fit_and_answer_sets(const std::string& learner, const FeatureSpec& spec,
                                       const ExampleSet& examples, std::span<const uint32_t> train,
                                       std::span<const uint32_t> test,
                                       const ExperimentOptions& options, uint64_t seed) {
  if (learner == "forest") {
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
