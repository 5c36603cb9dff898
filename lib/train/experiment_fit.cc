#include "train/experiment_fit.h"

#include "base/error.h"
#include "base/progress.h"
#include "train/cnn_trainer.h"
#include "train/forest_trainer.h"
#include "train/softmax.h"
#include "train/train_linear.h"

namespace flowmark {
namespace {

constexpr uint32_t kCnnPatience = 8;

std::vector<float> answer_linear(LinearType type, const ExampleSet& examples,
                                 std::span<const uint32_t> train,
                                 std::span<const uint32_t> validation,
                                 std::span<const uint32_t> test) {
  LinearTraining training;
  training.type = type;
  if (type == LinearType::naive_bayes) {
    training.strengths = {1};
  } else if (validation.empty()) {
    training.strengths = {1e-4};
  } else {
    training.strengths = {1e-2, 1e-3, 1e-4, 1e-5};
  }
  const TrainedLinear trained = train_linear(examples, train, validation, training);
  std::vector<float> answers;
  std::vector<double> scores(examples.classes.size());
  for (const uint32_t row : test) {
    trained.fit.score(examples.row(row), scores);
    softmax(scores);
    answers.insert(answers.end(), scores.begin(), scores.end());
  }
  return answers;
}

ForestOptions forest_options(const ExperimentOptions& options, uint64_t seed, Progress& progress) {
  ForestOptions forest;
  forest.trees = options.trees;
  forest.balanced = true;
  forest.out_of_bag = false;
  forest.seed = seed;
  forest.on_tree = [&progress](uint32_t done) {
    progress.set(done);
    return true;
  };
  return forest;
}

std::vector<float> answer_forest(const Forest& forest, const ExampleSet& examples,
                                 std::span<const uint32_t> test) {
  std::vector<float> answers;
  std::vector<float> dense(forest.feature_count, 0);
  std::vector<double> probabilities(examples.classes.size());
  for (const uint32_t row : test) {
    forest.predict(examples.row(row), dense, probabilities);
    answers.insert(answers.end(), probabilities.begin(), probabilities.end());
  }
  return answers;
}

std::vector<float> answer_cnn(const FeatureSpec& spec, const ExampleSet& examples,
                              std::span<const uint32_t> train, std::span<const uint32_t> validation,
                              std::span<const uint32_t> test, const ExperimentOptions& options,
                              uint64_t seed) {
  if (!spec.is_picture()) {
    fail("learner cnn: reads pictures (flowpic), not {}", to_string(spec.kind));
  }
  CnnTrainingOptions training;
  training.shape = CnnShape::for_picture(spec.picture.size_bins, spec.picture.time_bins,
                                         static_cast<uint32_t>(examples.classes.size()));
  training.balanced = true;
  training.max_epochs = options.epochs;
  training.patience = validation.empty() ? 0 : kCnnPatience;
  training.seed = seed;
  Progress progress("epochs", options.epochs);
  CnnTrainingHooks hooks;
  hooks.on_epoch = [&](const CnnEpoch& epoch, const CnnParameters*) {
    progress.note(fmt::format("loss {:.4f}", epoch.loss));
    progress.set(epoch.epoch);
    return true;
  };
  const CnnTraining trained = train_cnn(examples, train, validation, training, hooks);
  progress.finish();
  return cnn_probabilities(training.shape, trained.parameters, examples, test);
}

}  // namespace

SparseWindow as_read(const std::string& learner, const FeatureSpec& spec,
                     const SparseWindow& counts) {
  SparseWindow window = counts;
  if (!spec.is_picture() && learner == "logistic") {
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
  if (learner == "naive-bayes") {
    return answer_linear(LinearType::naive_bayes, examples, train, validation, test);
  }
  if (learner == "logistic") {
    return answer_linear(LinearType::logistic, examples, train, validation, test);
  }
  if (learner == "forest") {
    Progress progress("trees", options.trees);
    const auto trained = train_forest(examples, train, forest_options(options, seed, progress));
    return answer_forest(trained.forest, examples, test);
  }
  if (learner == "cnn") {
    return answer_cnn(spec, examples, train, validation, test, options, seed);
  }
  fail("learner '{}': must be naive-bayes, logistic, forest or cnn", learner);
}

std::vector<float> fit_and_answer_sets(const std::string& learner, const FeatureSpec& spec,
                                       const ExampleSet& examples, std::span<const uint64_t> sets,
                                       std::span<const uint32_t> train,
                                       std::span<const uint32_t> test,
                                       const ExperimentOptions& options, uint64_t seed) {
  const size_t classes = examples.classes.size();
  if (learner == "forest") {
    std::vector<uint64_t> of_rows;
    for (const uint32_t row : train) {
      of_rows.push_back(sets[row]);
    }
    Progress progress("trees", options.trees);
    const auto trained =
        train_forest(examples, train, of_rows, forest_options(options, seed, progress));
    return answer_forest(trained.forest, examples, test);
  }
  std::vector<float> answers(test.size() * classes);
  for (size_t c = 0; c < classes; ++c) {
    ExampleSet one;
    one.feature_count = examples.feature_count;
    one.classes = {"no", "yes"};
    one.flows = examples.flows;
    for (size_t row = 0; row < examples.size(); ++row) {
      ExampleInfo info = examples.info(row);
      info.class_index = static_cast<uint32_t>(sets[row] >> c & 1);
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
