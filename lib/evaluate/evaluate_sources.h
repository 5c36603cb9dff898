#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/load_examples.h"
#include "evaluate/evaluation.h"
#include "evaluate/set_evaluation.h"

namespace flowmark {

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
  std::optional<SetEvaluation> multi;
  LoadCounts counts;
  std::vector<ShownWindow> examples;  ///< by class; none of multi-label models
  std::vector<ShownWindow> mistakes;  ///< surest first
};

/// Judges a model on the flows of sources, in parallel, without keeping them. A multi-label model's
/// truth is a label such as "voip+chat". Throws Error when a flow's class is none of the model's,
/// when an entry lacks the key of group_by, or there is no flow.
SourceEvaluation evaluate_sources(const Model& model, const std::vector<DataSource>& sources,
                                  const EvaluationOptions& options);

/// What evaluations of sources share. The group that a flow's answers are drawn with
/// (EvaluationOptions::group_by); empty: its own. Throws Error.
std::string bootstrap_group(const DataSource& source, const RecordedFlow& flow,
                            const std::string& by);
/// Numbers the groups' names in the order of their coming.
class GroupNumbers {
 public:
  /// Evaluation::kOwnGroup for the empty name.
  uint32_t of(const std::string& name) {
    if (name.empty()) return Evaluation::kOwnGroup;
    return numbers_.emplace(name, static_cast<uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::map<std::string, uint32_t> numbers_;
};
/// Index of a flow's class among the model's. Throws Error naming flow and model if it has none.
uint32_t class_of_flow(const Model& model, const DataSource& source, const RecordedFlow& flow,
                       const std::string& class_name);
/// Throws Error if there was none to judge by.
void require_flows(const LoadCounts& counts);

}  // namespace flowmark
