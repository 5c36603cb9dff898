#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/augment_examples.h"
#include "data/load_examples.h"
#include "data/split.h"
#include "learn/learners.h"
#include "learn/training_result.h"

namespace flowmark {

/// What to train, on what, and where the model goes.
struct TrainingPlan {
  FeatureSpec input;
  CutOptions cut;
  std::vector<DataSource> sources;
  std::vector<std::string> data_names;  ///< what the model's card calls the data
  std::vector<std::string> classes;     ///< their order; empty: by name
  bool multilabel = false;              ///< labels such as voip+chat are several classes at once
  std::string versus;   ///< if not empty: this class against equal shares of the others
  std::string without;  ///< if not empty: this class is left out of the training and the tests
  SplitOptions split;   ///< `by` empty: default_split(); its seed is the training's too
  std::string learner;  ///< the kind by its name
  Learners learners;    ///< holds the kinds' own options
  /// `seed`, `state` and `on_line` are set by the training.
  LearnerOptions learning;
  AugmentOptions augment;    ///< no kinds: none; `seed` is set by the training
  bool undersample = false;  ///< as many windows of each class as the smallest has
  /// If not empty: what is known of flows that names their source; within a class every source
  /// counts the same, in training and validation (data/balance.h).
  std::string balance_by;
  double target_accuracy = 0.99;
  /// Of the validation windows called a class, the share that may count as resembling none
  /// (learn/open_set.h); 0: no rule. Read for models that tell how much they disagree.
  double open_set_share = 0.1;
  std::string task = "category";
  std::filesystem::path out;  ///< the model file; OUT.state keeps an interrupted training
  bool resume = false;        ///< goes on from OUT.state
  /// Called when what can be interrupted begins.
  std::function<void()> on_start;
};

/// One training, from recordings to a model file that has been read back and judged. The file takes
/// its name only then. Used by one thread; trains in parallel with oneTBB.
class TrainingRun {
 public:
  /// `progress`: tells people of the steps as they come; nullptr: tells nobody. Both must outlive
  /// the run.
  TrainingRun(const TrainingPlan& plan, std::ostream* progress);
  /// Once. Throws Error: data that cannot be read or learned, a model that reads back as another.
  TrainingResult run();

 private:
  void load();
  void leave_out_class();
  void narrow_to_versus();
  uint32_t class_called(const std::string& name, const char* option) const;
  void learn();
  void choose_thresholds();
  void choose_open_set();
  void write();
  void judge();

  std::vector<uint32_t> training_rows();
  std::vector<uint32_t> balanced(std::vector<uint32_t> rows) const;
  LearnerOptions learner_options() const;
  bool learns_validation() const;
  std::filesystem::path state_file() const;
  ModelDescription description(const std::string& card) const;
  double round_trip() const;
  PartResult judge_part(const std::vector<uint32_t>& rows) const;
  nlohmann::ordered_json open_set_card() const;
  std::string card() const;

  const TrainingPlan& plan_;
  std::ostream* progress_;
  LoadCounts counts_;
  ExampleSet examples_;
  size_t recorded_ = 0;  ///< examples that are no changed copies
  SplitOptions split_options_;
  Split split_;
  std::unique_ptr<Learner> learner_;
  std::filesystem::path candidate_;  ///< the file before it takes its name
  TrainingResult result_;
};

}  // namespace flowmark
