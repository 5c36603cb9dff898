#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "feature/feature_spec.h"
#include "feature/sparse_window.h"

namespace flowmark {

/// flowmark.golden: windows and what a model answers to them.
struct GoldenWindows {
  static constexpr double kDefaultTolerance = 1e-4;
  struct Window {
    SparseWindow input;
    std::vector<float> output;
  };
  std::vector<Window> windows;
  double tolerance = kDefaultTolerance;
};

/// The flowmark.* keys of a model file's metadata_props (docs/models.md).
struct ModelMetadata {
  std::string task;
  std::vector<std::string> classes;
  FeatureSpec input;
  bool multilabel = false;
  std::string card;  ///< JSON object or empty
  GoldenWindows golden;
  /// The card's `confidence.threshold`: below it the model had better keep silent. Only read.
  std::optional<float> confidence{};
  /// Of a multi-label model: above which probability each label is said to be there, by the card's
  /// `labels.NAME.threshold`, else 1/2. Only read.
  std::vector<float> label_thresholds{};
  /// The card's `open_set.thresholds.NAME`, one a class: above it the window resembles no class
  /// (Engine::disagreement). Empty: the model has no such rule. Only read.
  std::vector<float> most_disagreement{};
};

/// Throws Error naming the key, the value and what would be right.
ModelMetadata read_metadata(const std::map<std::string, std::string>& properties);

std::map<std::string, std::string> write_metadata(const ModelMetadata& metadata);

}  // namespace flowmark
