#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "model/write/model_writer.h"

namespace flowmark {

/// How to learn, whatever the kind: a kind's own options are its family's (learner_kind.h).
struct LearnerOptions {
  bool balanced = true;  ///< every class counts as much as any other, however many windows it has
  uint64_t seed = 1;
  /// Stop after so many iterations or epochs without a better validation loss; 0: the kind's
  /// default. Kinds that are trained in one go do not read it.
  uint32_t early_stop = 0;
  /// Divide scores by one temperature, chosen on validation rows (forests without any: by the
  /// votes of the trees that did not see a window).
  bool calibrate = true;
  /// Set from elsewhere (a signal) to end soon with the best model so far.
  const std::atomic<bool>* stop = nullptr;
  /// Where an interrupted training is kept, and gone on from if it is there; empty: nowhere. Kinds
  /// that do not resume (LearnerKind::resumes) have none.
  std::filesystem::path state;
  /// A line about an epoch or a trial that has ended, for people; called by the training thread.
  std::function<void(const std::string& line)> on_line;
  bool show_progress = true;  ///< bars on a terminal
};

/// One model under training: from examples to a model file. Used by one thread; trains in parallel
/// with oneTBB; the same for the same seed on any number of threads.
class Learner {
 public:
  virtual ~Learner() = default;

  /// Trains, chooses and calibrates. `validation` may be empty where nothing is to be chosen. Rows
  /// of a multi-label set (ExampleSet::multilabel) make a multi-label model where the kind can.
  /// Throws Error: fewer than two classes, a class without training rows, options out of range.
  virtual void learn(const ExampleSet& examples, std::span<const uint32_t> train,
                     std::span<const uint32_t> validation) = 0;
  /// What was tried and how it did, as a table for people.
  virtual std::string report() const = 0;
  /// The same for the model's card and for --json.
  virtual void describe(nlohmann::ordered_json& card) const = 0;
  virtual nlohmann::ordered_json trials() const = 0;
  /// The model file, by rename.
  virtual void write(const std::filesystem::path& path,
                     const ModelDescription& description) const = 0;
  /// The trained model's own answers (not the file's), [row][class], in parallel.
  virtual std::vector<float> probabilities(const ExampleSet& examples,
                                           std::span<const uint32_t> rows) const = 0;
  /// Ended by `stop` before its time.
  virtual bool interrupted() const { return false; }
};

/// Throws Error unless the classes are two or more, every one of them has a training row, and the
/// labels are of the kind wanted.
void check_trainable(const ExampleSet& examples, std::span<const uint32_t> train, bool multilabel);

/// Mean recall of the classes that occur among the rows, by probabilities [row][class].
double balanced_accuracy(const ExampleSet& examples, std::span<const uint32_t> rows,
                         std::span<const float> probabilities);

}  // namespace flowmark
