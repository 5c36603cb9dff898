#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "train/bootstrap.h"
#include "train/confusion.h"
#include "train/example_set.h"
#include "train/load_examples.h"
#include "train/metrics.h"

namespace flowmark {

/// A model's answer for one window.
struct Answer {
  ExampleInfo info;
  std::vector<float> probabilities;
};

/// How right a model is: by full window, by flow (its windows' probabilities averaged, or its
/// longest prefix where it has no full window), and by how much of a flow it had seen. Single-label
/// models; others: MultiLabelScores.
class Evaluation {
 public:
  Evaluation(std::vector<std::string> classes, std::vector<FlowPrefix> prefixes);

  /// The flow is a group of its own.
  static constexpr uint32_t kOwnGroup = UINT32_MAX;

  /// All answers for one flow (for pictures: of both its directions). `group`: what resembles each
  /// other, see Judgement; either all flows have one or none.
  void add_flow(uint32_t truth, std::span<const Answer> answers, uint32_t group = kOwnGroup);

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
  Confusion windows_;
  Confusion flows_;
  std::vector<Judgement> window_judgements_;
  std::vector<Judgement> flow_judgements_;
  std::vector<AtPrefix> at_prefixes_;
  double window_confidence_ = 0;
};

/// Judges a model on examples already cut (with its own specification).
Evaluation evaluate_rows(const Model& model, const ExampleSet& examples,
                         std::span<const uint32_t> rows);

/// A window kept to be shown.
struct ShownWindow {
  std::string flow;
  uint32_t truth = 0;
  uint32_t answer = 0;
  float confidence = 0;
  OfflineWindow window;
};

struct EvaluationOptions {
  CutOptions cut;
  /// What a bootstrap draws together: "flow", "file", or a key of the manifest's entries; empty:
  /// the session where a flow has one, else the flow.
  std::string group_by;
  uint32_t shown_per_class = 0;  ///< windows of each class to keep
  uint32_t shown_mistakes = 0;   ///< wrong answers to keep, the surest ones, one a flow
};

/// What came out of judging a model on recordings: one of the two evaluations.
struct SourceEvaluation {
  std::optional<Evaluation> single;
  std::optional<MultiLabelScores> multi;  ///< by full window; by longest prefix if there is none
  LoadCounts counts;
  std::vector<ShownWindow> examples;  ///< by class; none of multi-label models
  std::vector<ShownWindow> mistakes;  ///< surest first
};

/// Judges a model on the flows of sources, in parallel, without keeping them. A multi-label model's
/// truth is a label such as "voip+chat". Throws Error when a flow's class is none of the model's,
/// when an entry lacks the key of group_by, or there is no flow.
SourceEvaluation evaluate_sources(const Model& model, const std::vector<DataSource>& sources,
                                  const EvaluationOptions& options);

/// The bits of the classes that a label like "voip+chat" names. Throws Error, beginning with
/// `where`, naming the part that is none of them.
uint64_t label_set(const std::string& label, const std::vector<std::string>& classes,
                   const std::string& where);

}  // namespace flowmark
