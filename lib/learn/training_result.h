#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "evaluate/evaluation.h"
#include "evaluate/set_evaluation.h"
#include "learn/calibrate.h"
#include "learn/label_calibration.h"
#include "model/model.h"

namespace flowmark {

/// What a model's card says of its labels' thresholds: {"voip": {"threshold", "sure", "found"},
/// ...}
nlohmann::ordered_json to_json(std::span<const LabelThreshold> thresholds,
                               const std::vector<std::string>& labels);

/// How right a model is on one part of the data: one of the two, if there is any data.
struct PartResult {
  std::optional<Evaluation> single;
  std::optional<SetEvaluation> multi;  ///< of a multi-label model

  explicit operator bool() const noexcept { return single || multi; }
  nlohmann::ordered_json to_json() const;
  std::string to_text() const;
};

/// What a training has made and found.
struct TrainingResult {
  std::filesystem::path out;
  std::shared_ptr<const Model> model;  ///< the written file, read back
  std::string card;                    ///< JSON object: the model's card
  std::string trials;                  ///< JSON: what was tried and how it did
  double round_trip = 0;        ///< most that the file's probabilities differ from the trained ones
  bool interrupted = false;     ///< the best model so far
  std::filesystem::path state;  ///< from where an interrupted training goes on; empty: from nowhere
  double target_accuracy = 0;
  std::optional<Abstention> abstention;    ///< of a single-label model with validation data
  std::vector<LabelThreshold> thresholds;  ///< of a multi-label one, by class
  std::vector<float> most_disagreement;    ///< by class, of a model with an open-set rule
  PartResult validation;                   ///< of data by which the model was chosen
  PartResult test;

  /// The card and what is beside it, for machines.
  nlohmann::ordered_json to_json() const;
  /// Several lines for people.
  std::string to_text() const;
};

}  // namespace flowmark
