#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/cmd_train.h"
#include "train/augment_examples.h"
#include "train/evaluation.h"
#include "train/learner.h"

namespace flowmark {

/// What `flowmark train` is asked to do.
struct TrainOptions {
  DataOptions data;
  SplitOptions split;
  std::string split_by;
  LearnerOptions learner;
  AugmentOptions augment;  ///< no kinds: none
  bool undersample = false;
  std::string versus;  ///< if not empty: this class against equal shares of the others
  double target_accuracy = 0.99;
  std::string spec;
  std::string out;
  std::string task = "category";
  std::vector<std::string> classes;
  bool resume = false;
  /// Called when what can be interrupted begins.
  std::function<void()> on_start;
};

/// One training: the steps share what they find.
class TrainingRun {
 public:
  explicit TrainingRun(const TrainOptions& options);
  /// Throws Error.
  int run();

 private:
  void load();
  void narrow_to_versus();
  void learn();
  std::vector<uint32_t> training_rows();
  std::vector<uint32_t> golden_rows() const;
  ModelDescription description(const std::string& card) const;
  void write();
  double round_trip();
  void judge();
  nlohmann::ordered_json card() const;
  void print() const;

  const TrainOptions& options_;
  FeatureSpec spec_;
  CutOptions cut_;
  std::vector<DataSource> sources_;
  LoadCounts counts_;
  ExampleSet examples_;
  size_t recorded_ = 0;  ///< examples that are no changed copies
  SplitOptions split_options_;
  Split split_;
  std::vector<uint32_t> validation_;
  std::vector<uint32_t> test_;
  std::unique_ptr<Learner> learner_;
  std::string candidate_;
  std::shared_ptr<const Model> model_;
  double round_trip_ = 0;
  std::optional<Abstention> abstention_;
  std::optional<Evaluation> validation_result_;
  std::optional<Evaluation> test_result_;
  nlohmann::ordered_json card_;
};

}  // namespace flowmark
