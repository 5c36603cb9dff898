#include "learn/learner.h"

#include <algorithm>

#include "base/error.h"
#include "evaluate/confusion.h"

namespace flowmark {

const char* to_string(LearnerType type) noexcept {
  switch (type) {
    case LearnerType::logistic:
      return "logistic";
    case LearnerType::naive_bayes:
      return "naive-bayes";
    case LearnerType::gaussian_nb:
      return "gaussian-nb";
    case LearnerType::forest:
      return "forest";
    case LearnerType::cnn:
      return "cnn";
  }
  return "?";
}

const std::vector<std::string>& learner_type_names() {
  static const std::vector<std::string> names{"logistic", "naive-bayes", "gaussian-nb", "forest",
                                              "cnn"};
  return names;
}

LearnerType parse_learner_type(const std::string& name, const std::string& where) {
  const auto& names = learner_type_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    fail("{}: {}: must be logistic, naive-bayes, gaussian-nb, forest or cnn", where, name);
  }
  return static_cast<LearnerType>(found - names.begin());
}

std::unique_ptr<Learner> make_learner(const LearnerOptions& options, const FeatureSpec& input) {
  switch (options.type) {
    case LearnerType::logistic:
    case LearnerType::naive_bayes:
      return make_linear_learner(options);
    case LearnerType::gaussian_nb:
      return make_gaussian_learner(options);
    case LearnerType::forest:
      return make_forest_learner(options);
    case LearnerType::cnn:
      return make_cnn_learner(options, input);
  }
  fail("unknown kind of model");
}

void check_trainable(const ExampleSet& examples, std::span<const uint32_t> train, bool multilabel) {
  if (examples.multilabel && !multilabel) {
    fail("the examples have several labels at once: only a forest learns them");
  }
  if (multilabel && !examples.multilabel) {
    fail("the examples have one class each, not sets of labels");
  }
  if (multilabel) {
    return;  // the forest says what is wrong with sets of labels
  }
  if (examples.classes.size() < 2) {
    fail("the data has {}: a model needs two classes or more",
         examples.classes.empty() ? "no class"
                                  : "the class '" + examples.classes.front() + "' alone");
  }
  std::vector<uint64_t> count(examples.classes.size(), 0);
  for (const uint32_t row : train) {
    ++count[examples.info(row).class_index];
  }
  for (size_t c = 0; c < count.size(); ++c) {
    if (count[c] == 0) {
      fail("class '{}' is empty: no window to train on", examples.classes[c]);
    }
  }
}

double balanced_accuracy(const ExampleSet& examples, std::span<const uint32_t> rows,
                         std::span<const float> probabilities) {
  const size_t classes = examples.classes.size();
  Confusion confusion(examples.classes);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto answer = probabilities.subspan(i * classes, classes);
    const auto top = std::max_element(answer.begin(), answer.end()) - answer.begin();
    confusion.add(examples.info(rows[i]).class_index, static_cast<uint32_t>(top));
  }
  return confusion.balanced_accuracy();
}

}  // namespace flowmark
