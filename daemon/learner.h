#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "model/model_writer.h"
#include "train/example_set.h"
#include "train/forest_trainer.h"
#include "train/train_linear.h"

namespace flowmark {

/// What the command line says of how to learn.
struct LearnerOptions {
  std::string type = "logistic";  ///< "logistic", "naive-bayes" or "forest"
  LinearTraining linear;
  std::vector<double> l2, alpha;  ///< empty: defaults
  ForestOptions forest;
  bool unbalanced = false;
  uint64_t seed = 1;
};

/// One kind of model under training, for `flowmark train`.
class Learner {
 public:
  virtual ~Learner() = default;

  /// Throws Error: a class without examples, wrong options.
  virtual void learn(const ExampleSet& examples, std::span<const uint32_t> train,
                     std::span<const uint32_t> validation) = 0;
  /// What was tried and how it did, as a table for people.
  virtual std::string report() const = 0;
  /// The same for the model's card and for --json.
  virtual void describe(nlohmann::ordered_json& card) const = 0;
  virtual nlohmann::ordered_json trials() const = 0;
  virtual void write(const std::filesystem::path& path,
                     const ModelDescription& description) const = 0;
  /// The trained model's own answer, which the written file must give too.
  virtual void probabilities(std::span<const SparseValue> window, std::span<double> out) = 0;
};

std::unique_ptr<Learner> make_linear_learner(const LearnerOptions& options);
std::unique_ptr<Learner> make_forest_learner(const LearnerOptions& options);

}  // namespace flowmark
