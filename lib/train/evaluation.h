#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "train/confusion.h"
#include "train/example_set.h"
#include "train/load_examples.h"

namespace flowmark {

/// A model's answer for one window.
struct Answer {
  ExampleInfo info;
  std::vector<float> probabilities;
};

/// How right a model is: by full window, by flow (its windows' probabilities averaged, or its
/// longest prefix where it has no full window), and by how much of a flow it had seen. Single-label
/// models.
class Evaluation {
 public:
  Evaluation(std::vector<std::string> classes, std::vector<FlowPrefix> prefixes);

  /// All answers for one flow (for pictures: of both its directions).
  void add_flow(uint32_t truth, std::span<const Answer> answers);

  struct AtPrefix {
    FlowPrefix prefix;
    Confusion confusion;   ///< every flow, with what it has up to there
    uint64_t reached = 0;  ///< windows of flows that go on beyond the prefix before
    double mean_confidence = 0;
  };

  const Confusion& windows() const noexcept { return windows_; }
  const Confusion& flows() const noexcept { return flows_; }
  const std::vector<AtPrefix>& at_prefixes() const noexcept { return at_prefixes_; }
  /// Mean probability of the answers to full windows (to the longest prefix if there are none).
  double mean_confidence() const noexcept;

  nlohmann::ordered_json to_json() const;
  std::string to_text() const;

 private:
  Confusion windows_;
  Confusion flows_;
  std::vector<AtPrefix> at_prefixes_;
  double window_confidence_ = 0;
};

/// Judges a model on examples already cut (with its own specification).
Evaluation evaluate_rows(const Model& model, const ExampleSet& examples,
                         std::span<const uint32_t> rows);

/// Judges a model on the flows of sources, in parallel, without keeping them. Throws Error when a
/// flow's class is none of the model's, or there is no flow, or the model is multi-label.
Evaluation evaluate_sources(const Model& model, const std::vector<DataSource>& sources,
                            const CutOptions& cut, LoadCounts& counts);

}  // namespace flowmark
