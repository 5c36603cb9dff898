#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/data_options.h"
#include "data/augment_examples.h"
#include "evaluate/evaluation.h"
#include "evaluate/set_evaluation.h"
#include "learn/calibrate.h"
#include "learn/label_calibration.h"
#include "learn/learners.h"

namespace flowmark {

/// What `flowmark train` is asked to do.
struct TrainOptions {
  DataOptions data;
  SplitOptions split;
  std::string split_by;
  std::string learner;  ///< the kind by its name
  Learners learners;    ///< holds the kinds' own options
  LearnerOptions learning;
  AugmentOptions augment;  ///< no kinds: none
  bool undersample = false;
  std::string versus;  ///< if not empty: this class against equal shares of the others
  double target_accuracy = 0.99;
  std::string spec;
  std::string out;
  std::string task = "category";
  std::vector<std::string> classes;
  bool multilabel = false;  ///< labels such as voip+chat are several classes at once
  bool resume = false;
  /// Called when what can be interrupted begins.
  std::function<void()> on_start;
};

/// How right a model is on one part of the data: one of the two, if there is any data.
struct PartResult {
  std::optional<Evaluation> single;
  std::optional<SetEvaluation> multi;

  explicit operator bool() const noexcept { return single || multi; }
  nlohmann::ordered_json to_json() const { return single ? single->to_json() : multi->to_json(); }
  std::string to_text() const { return single ? single->to_text() : multi->to_text(); }
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
  void choose_thresholds();
  void learn();
  bool learns_validation() const;
  std::vector<uint32_t> training_rows();
  PartResult judge_part(const std::vector<uint32_t>& rows) const;
  ModelDescription description(const std::string& card) const;
  void write();
  double round_trip();
  void judge();
  nlohmann::ordered_json card() const;
  void print() const;
  void print_confidence() const;

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
  std::vector<LabelThreshold> thresholds_;  ///< of a multi-label model, by class
  PartResult validation_result_;
  PartResult test_result_;
  nlohmann::ordered_json card_;
};

}  // namespace flowmark
