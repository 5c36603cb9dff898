#include "learn/learner.h"

#include <algorithm>

#include "base/error.h"
#include "evaluate/confusion.h"

namespace flowmark {

void check_trainable(const ExampleSet& examples, std::span<const uint32_t> train, bool multilabel) {
  if (examples.multilabel && !multilabel) {
    fail("the examples have several labels at once: this kind of model does not learn them");
  }
  if (multilabel && !examples.multilabel) {
    fail("the examples have one class each, not sets of labels");
  }
  if (multilabel) {
    return;  // the learner says what is wrong with sets of labels
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
