#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "evaluate/evaluation.h"
#include "evaluate/metrics.h"

namespace flowmark {

/// How right a multi-label model is (Leroux et al. 2018, V): by full window, by flow (its windows'
/// probabilities averaged, or its longest prefix where it has no full window), and by how much of a
/// flow it had seen. The truth of a window is its flow's set of labels.
class SetEvaluation {
 public:
  /// `thresholds`: above which probability a label is said to be there, one a label.
  SetEvaluation(std::vector<std::string> labels, std::vector<FlowPrefix> prefixes,
                std::vector<float> thresholds);

  /// All answers for one flow; `group` as in Evaluation::add_flow.
  void add_flow(uint64_t truth, std::span<const Answer> answers,
                uint32_t group = Evaluation::kOwnGroup);

  struct AtPrefix {
    FlowPrefix prefix;
    MultiLabelScores scores;
    uint64_t reached = 0;  ///< windows of flows that go on beyond the prefix before
  };

  const std::vector<std::string>& labels() const noexcept { return windows_.labels(); }
  const std::vector<float>& thresholds() const noexcept { return thresholds_; }
  const MultiLabelScores& windows() const noexcept { return windows_; }
  const MultiLabelScores& flows() const noexcept { return flows_; }
  const std::vector<AtPrefix>& at_prefixes() const noexcept { return at_prefixes_; }
  /// Of full windows, of flows where there is none: how often which set was taken for which.
  const std::map<uint64_t, std::map<uint64_t, uint64_t>>& taken_for() const noexcept {
    return windows_.total() > 0 ? window_sets_ : flow_sets_;
  }
  /// One true set of labels: how often it was met and told rightly, and the wrong set it was most
  /// often taken for (0 times: for none).
  struct TrueSet {
    std::string name;
    uint64_t count = 0;
    uint64_t right = 0;
    std::string worst;
    uint64_t worst_count = 0;

    double exact_match() const { return static_cast<double>(right) / static_cast<double>(count); }
  };
  /// The same as taken_for(), summed up.
  std::vector<TrueSet> true_sets() const;
  /// A judgement a window (flow) and label, class 1 being yes; `confidence` is that of yes.
  const std::vector<Judgement>& window_judgements() const noexcept { return window_judgements_; }
  const std::vector<Judgement>& flow_judgements() const noexcept { return flow_judgements_; }

  /// Bootstrap intervals over groups.
  struct Intervals {
    Interval exact_match;
    Interval hamming_loss;
    uint32_t groups = 0;
  };
  /// Of full windows or flows; both must have been judged.
  Intervals intervals(bool of_flows, const BootstrapOptions& bootstrap) const;

  /// {"flows", "windows", "thresholds", "prefixes"}: what a model's card holds.
  nlohmann::ordered_json to_json() const;
  /// {"windows": {"exact_match": [low, high], "hamming_loss", "groups"}, "flows": ..., "sets":
  /// [...]}
  nlohmann::ordered_json details_json(const BootstrapOptions& bootstrap) const;
  std::string to_text() const;
  std::string details_text(const BootstrapOptions& bootstrap) const;

 private:
  uint64_t answer_of(std::span<const float> probabilities) const noexcept;
  void judge(uint64_t truth, std::span<const float> probabilities, uint32_t group, bool of_flow);

  std::vector<float> thresholds_;
  MultiLabelScores windows_;
  MultiLabelScores flows_;
  std::map<uint64_t, std::map<uint64_t, uint64_t>> window_sets_, flow_sets_;
  std::vector<Judgement> window_judgements_, flow_judgements_;
  std::vector<AtPrefix> at_prefixes_;
  uint32_t flow_count_ = 0;
};

/// Judges a multi-label model on examples already cut (with its own specification).
SetEvaluation evaluate_set_rows(const Model& model, const ExampleSet& examples,
                                std::span<const uint32_t> rows);

}  // namespace flowmark
