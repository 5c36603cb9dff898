#pragma once

#include <array>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "data/manifest.h"
#include "deployed/flow_outcome.h"
#include "deployed/live_marks.h"

namespace flowmark {

/// How the flows of a class, or all, fared.
struct DeployedTally {
  std::array<uint64_t, kFates> flows{};    ///< by class, at their end
  std::map<std::string, uint64_t> called;  ///< flows by their verdict then; "": none
  std::map<Dscp, uint64_t> left;           ///< packets by the mark that they left with
  Traffic by_class;
  Traffic by_treatment;
  /// Of the flows in which there is one.
  std::vector<Moment> first_right, first_wrong, last_wrong;

  void add(const FlowOutcome& flow);
};

/// A deployment judged on labelled flows.
class DeployedEvaluation {
 public:
  explicit DeployedEvaluation(const BootstrapOptions& options) : options_(options) {}

  /// `group`: see LiveMarkUses.
  void add(const FlowOutcome& flow, const std::string& class_name, const std::string& group);

  uint64_t flows() const noexcept { return flows_; }
  const DeployedTally& all() const noexcept { return all_; }
  const std::map<std::string, DeployedTally>& classes() const noexcept { return classes_; }
  std::vector<LiveMarkUses::Row> live_marks() const { return live_.rows(options_); }

  std::string to_text() const;
  nlohmann::ordered_json to_json() const;

 private:
  BootstrapOptions options_;
  uint64_t flows_ = 0;
  DeployedTally all_;
  std::map<std::string, DeployedTally> classes_;
  std::map<std::pair<Dscp, Dscp>, uint64_t> marks_;  ///< as FlowOutcome::marks
  LiveMarkUses live_;
};

/// Plays the labelled flows of all sources, in parallel; the same result on any number of threads.
/// `group_by`: as EvaluationOptions::group_by. Throws Error: a file that cannot be read, no flow.
DeployedEvaluation evaluate_deployed(const Deployment& deployment,
                                     const std::vector<DataSource>& sources,
                                     const std::string& group_by, const BootstrapOptions& options);

}  // namespace flowmark
