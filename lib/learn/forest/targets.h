#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/example_set.h"
#include "learn/forest/trainer.h"

namespace flowmark {

/// What a forest is to answer. Examples with the same answer form a group: a class, or in
/// multi-label training a set of labels.
struct ForestTargets {
  uint32_t classes = 0;  ///< outputs
  bool multilabel = false;
  std::vector<uint16_t> group;      ///< by row
  std::vector<uint64_t> label_set;  ///< by group; multi-label only
  std::vector<double> yes_weight;   ///< by class
  std::vector<double> no_weight;    ///< by class; multi-label only

  /// One group a class. Throws Error: a class without examples, one class only.
  static ForestTargets of_classes(const ExampleSet& examples, std::span<const uint32_t> rows,
                                  const ForestOptions& options);
  /// One group a set of labels. Throws Error: a label on no example or on every one.
  static ForestTargets of_label_sets(const ExampleSet& examples,
                                     std::span<const uint64_t> label_sets,
                                     const ForestOptions& options);

  uint32_t groups() const noexcept {
    return multilabel ? static_cast<uint32_t>(label_set.size()) : classes;
  }
  /// The probabilities [class] that a leaf with so many examples of each group gives.
  void leaf_values(std::span<const uint32_t> group_counts, std::span<float> values) const;
};

}  // namespace flowmark
