#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "deployed/deployed_evaluation.h"
#include "learn/training_run.h"
#include "settings/settings.h"

namespace flowmark {

/// What a model that does not know a class makes of its flows: it is trained without them, and the
/// test flows of all classes are played as deployed (docs/adr/0032-open-set.md).

struct LeftOutPlan {
  TrainingPlan training;  ///< `sources` of all parts; `out` and `without` are set here
  std::vector<DataSource> test;
  /// Marks, and the policy of the first model if there is one.
  Settings settings;
  std::filesystem::path folder;  ///< gets without-CLASS.onnx
};

/// How some flows ended.
struct LeftOutFlows {
  uint64_t flows = 0;
  uint64_t right = 0;
  std::map<std::string, uint64_t> called;  ///< by their verdict at the end; "": none
  uint64_t packets = 0;
  std::map<Dscp, uint64_t> left;  ///< packets by the mark that they left with

  void add(const DeployedTally& tally);
  double share_called(const std::string& class_name) const;
  double share_left(Dscp mark) const;
};

/// One class left out.
struct LeftOutClass {
  std::string name;
  /// With the model's open-set rule, or without it (policy.open_set).
  struct Side {
    LeftOutFlows own;    ///< of the class
    LeftOutFlows known;  ///< of all others: what the rule costs
  };
  Side with_rule, without_rule;
};

/// The classes of the flows, by name. Throws Error.
std::vector<std::string> classes_of(const std::vector<DataSource>& sources);

/// Trains and plays. Throws Error: as TrainingRun and evaluate_deployed, or when the test has no
/// flow of the class.
LeftOutClass leave_out_class(const LeftOutPlan& plan, const std::string& name);

/// Two rows a class, with and without the rule, and two of means, in Markdown.
std::string left_out_table(const std::vector<LeftOutClass>& results);
nlohmann::ordered_json left_out_json(const std::vector<LeftOutClass>& results);

}  // namespace flowmark
