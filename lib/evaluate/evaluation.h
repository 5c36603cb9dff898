#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "evaluate/bootstrap.h"
#include "evaluate/confusion.h"
#include "model/model.h"

namespace flowmark {

/// A model's answer for one window.
struct Answer {
  ExampleInfo info;
  std::vector<float> probabilities;
  bool unfamiliar = false;  ///< the window resembles no class (model/model.h)
};

/// The mean over a flow's answers after a prefix (for pictures: of both directions); empty if there
/// is none. ExampleInfo::kTile: over its full windows.
std::vector<float> mean_of_prefix(std::span<const Answer> answers, uint16_t prefix);
/// What a model says of a whole flow: the mean over its full windows, or over its longest prefix
/// where it has no full window. `answers` must not be empty.
std::vector<float> mean_of_flow(std::span<const Answer> answers);

/// How right a model is: by full window, by flow (its windows' probabilities averaged, or its
/// longest prefix where it has no full window), and by how much of a flow it had seen. Single-label
/// models; others: SetEvaluation.
class Evaluation {
 public:
  Evaluation(std::vector<std::string> classes, std::vector<FlowPrefix> prefixes);

  /// The flow is a group of its own.
  static constexpr uint32_t kOwnGroup = UINT32_MAX;

  /// All answers for one flow (for pictures: of both its directions). `group`: what resembles each
  /// other, see Judgement; either all flows have one or none.
  void add_flow(uint32_t truth, std::span<const Answer> answers, uint32_t group = kOwnGroup);

  /// The same for what several models say together (evaluate/evaluate_vote.h): after prefixes, and
  /// of the whole flow.
  void add_vote(uint32_t truth, std::span<const Answer> prefixes,
                std::span<const float> probabilities, uint32_t group = kOwnGroup);

  struct AtPrefix {
    FlowPrefix prefix;
    Confusion confusion;   ///< every flow, with what it has up to there
    uint64_t reached = 0;  ///< windows of flows that go on beyond the prefix before
    double mean_confidence = 0;
    std::vector<Judgement> judgements;
  };

  const Confusion& windows() const noexcept { return windows_; }
  const Confusion& flows() const noexcept { return flows_; }
  const std::vector<AtPrefix>& at_prefixes() const noexcept { return at_prefixes_; }
  /// Mean probability of the answers to full windows (to the longest prefix if there are none).
  double mean_confidence() const noexcept;

  /// Windows, full or not, that resembled no class. Their answers count in the figures like any
  /// other's: those say what the model would answer if it had to.
  uint64_t unfamiliar() const noexcept { return unfamiliar_; }
  uint64_t answers() const noexcept { return answers_; }

  const std::vector<Judgement>& window_judgements() const noexcept { return window_judgements_; }
  const std::vector<Judgement>& flow_judgements() const noexcept { return flow_judgements_; }

  /// What a model's card holds.
  nlohmann::ordered_json to_json() const;
  /// What is added to it for `flowmark eval`: intervals (unless replicates is 0), reliability and
  /// coverage, of windows (where there are any) and flows, and intervals of the prefixes' accuracy.
  nlohmann::ordered_json details_json(const BootstrapOptions& bootstrap) const;
  std::string to_text() const;
  /// The same for people: intervals, calibration, coverage.
  std::string details_text(const BootstrapOptions& bootstrap) const;

 private:
  void judge_prefix(uint32_t truth, const Answer& answer, uint32_t group);
  void judge_flow(uint32_t truth, std::span<const float> probabilities, uint32_t group);

  Confusion windows_;
  Confusion flows_;
  std::vector<Judgement> window_judgements_;
  std::vector<Judgement> flow_judgements_;
  std::vector<AtPrefix> at_prefixes_;
  double window_confidence_ = 0;
  uint64_t answers_ = 0;
  uint64_t unfamiliar_ = 0;
};

/// Judges a model on examples already cut (with its own specification).
Evaluation evaluate_rows(const Model& model, const ExampleSet& examples,
                         std::span<const uint32_t> rows);

}  // namespace flowmark
