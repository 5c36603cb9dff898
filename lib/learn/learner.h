#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "feature/feature_spec.h"
#include "learn/cnn/trainer.h"
#include "learn/forest/trainer.h"
#include "learn/linear/train_linear.h"
#include "model/write/model_writer.h"

namespace flowmark {

/// The kinds of models there are, as on the command line.
enum class LearnerType : uint8_t { logistic, naive_bayes, gaussian_nb, forest, cnn };
/// "logistic", "naive-bayes", "gaussian-nb", "forest", "cnn".
const char* to_string(LearnerType type) noexcept;
const std::vector<std::string>& learner_type_names();
/// Throws Error listing the names, beginning with `where`.
LearnerType parse_learner_type(const std::string& name, const std::string& where);

/// How to learn. Options of other kinds than `type` are not read.
struct LearnerOptions {
  LearnerType type = LearnerType::logistic;
  bool balanced = true;  ///< every class counts as much as any other, however many windows it has
  uint64_t seed = 1;

  /// l2, alpha or variance smoothing: of several the one whose calibrated probabilities have the
  /// lowest cross entropy on the validation rows. Empty: the kind's defaults.
  std::vector<double> strengths;
  LinearTraining linear;  ///< type, strengths and balanced are set from here
  ForestOptions forest;   ///< balanced and seed are set from here
  /// shape (unless it has layers), balanced, seed, stop and state are set from here.
  CnnTrainingOptions cnn;

  /// Divide scores by one temperature, chosen on validation rows (forests without any: by the
  /// votes of the trees that did not see a window).
  bool calibrate = true;
  /// Set from elsewhere (a signal) to end soon with the best model so far.
  const std::atomic<bool>* stop = nullptr;
  /// Where an interrupted training is kept, and gone on from if it is there; empty: nowhere. Naive
  /// Bayes, done in a moment, has none.
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
  /// of a multi-label set (ExampleSet::multilabel) make a multi-label model: forests only. Throws
  /// Error: fewer than two classes, a class without training rows, options out of range.
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

/// `input`: what the examples' features are (the CNN takes the picture's size from it). Throws
/// Error: a CNN for histograms.
std::unique_ptr<Learner> make_learner(const LearnerOptions& options, const FeatureSpec& input);

/// Which learning rules the kinds follow; called by make_learner.
std::unique_ptr<Learner> make_linear_learner(const LearnerOptions& options);
std::unique_ptr<Learner> make_gaussian_learner(const LearnerOptions& options);
std::unique_ptr<Learner> make_forest_learner(const LearnerOptions& options);
std::unique_ptr<Learner> make_cnn_learner(const LearnerOptions& options, const FeatureSpec& input);

/// Throws Error unless the classes are two or more, every one of them has a training row, and the
/// labels are of the kind wanted.
void check_trainable(const ExampleSet& examples, std::span<const uint32_t> train, bool multilabel);

/// Mean recall of the classes that occur among the rows, by probabilities [row][class].
double balanced_accuracy(const ExampleSet& examples, std::span<const uint32_t> rows,
                         std::span<const float> probabilities);

}  // namespace flowmark
