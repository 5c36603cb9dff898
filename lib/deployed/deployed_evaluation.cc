#include "deployed/deployed_evaluation.h"

#include <memory>

#include "base/error.h"
#include "data/load_examples.h"
#include "evaluate/evaluate_sources.h"

namespace flowmark {

void DeployedTally::add(const FlowOutcome& flow) {
  ++flows[static_cast<size_t>(flow.at_end)];
  ++called[flow.class_at_end];
  for (const auto& [marks, packets] : flow.marks) left[marks.second] += packets;
  by_class.add(flow.by_class);
  by_treatment.add(flow.by_treatment);
  if (flow.first_right) first_right.push_back(*flow.first_right);
  if (flow.first_wrong) first_wrong.push_back(*flow.first_wrong);
  if (flow.last_wrong) last_wrong.push_back(*flow.last_wrong);
}

void DeployedEvaluation::add(const FlowOutcome& flow, const std::string& class_name,
                             const std::string& group) {
  ++flows_;
  all_.add(flow);
  classes_[class_name].add(flow);
  for (const auto& [marks, packets] : flow.marks) marks_[marks] += packets;
  live_.add(flow, group);
}

DeployedEvaluation evaluate_deployed(const Deployment& deployment,
                                     const std::vector<DataSource>& sources,
                                     const std::string& group_by, const BootstrapOptions& options) {
  DeployedEvaluation result(options);
  uint64_t number = 0;
  map_labelled_flows(
      sources,
      [&](uint32_t source, const std::string& class_name, const RecordedFlow& flow) -> Deliver {
        if (flow.packets.empty()) return {};
        auto outcome = std::make_shared<FlowOutcome>(judge_flow(flow, class_name, deployment));
        const std::string group = bootstrap_group(sources[source], flow, group_by);
        return [&result, &number, outcome, class_name, group] {
          ++number;
          result.add(*outcome, class_name, group.empty() ? std::to_string(number) : group);
        };
      });
  if (result.flows() == 0) fail("the data has no labelled flow of the split to judge by");
  return result;
}

}  // namespace flowmark
