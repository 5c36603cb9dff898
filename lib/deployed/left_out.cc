#include "deployed/left_out.h"

#include <memory>
#include <numeric>
#include <set>

#include "base/error.h"
#include "data/load_examples.h"

namespace flowmark {
namespace {

constexpr const char* kModelName = "category";

LeftOutClass::Side play(const Settings& settings, const std::vector<DataSource>& test,
                        const std::string& name) {
  BootstrapOptions no_intervals;
  no_intervals.replicates = 0;
  const DeployedEvaluation played =
      evaluate_deployed(deployment_of(settings, true), test, "flow", no_intervals);
  LeftOutClass::Side side;
  for (const auto& [class_name, tally] : played.classes()) {
    (class_name == name ? side.own : side.known).add(tally);
  }
  if (side.own.flows == 0) fail("class {}: the test has no flow of it", name);
  return side;
}

}  // namespace

void LeftOutFlows::add(const DeployedTally& tally) {
  flows += std::accumulate(tally.flows.begin(), tally.flows.end(), uint64_t{0});
  right += tally.flows[static_cast<size_t>(Fate::right)];
  for (const auto& [name, count] : tally.called) called[name] += count;
  for (const auto& [mark, count] : tally.left) {
    left[mark] += count;
    packets += count;
  }
}

double LeftOutFlows::share_called(const std::string& class_name) const {
  const auto found = called.find(class_name);
  return found == called.end() ? 0 : share(found->second, flows);
}

double LeftOutFlows::share_left(Dscp mark) const {
  const auto found = left.find(mark);
  return found == left.end() ? 0 : share(found->second, packets);
}

std::vector<std::string> classes_of(const std::vector<DataSource>& sources) {
  auto names = std::make_shared<std::set<std::string>>();
  map_labelled_flows(sources, [&](uint32_t, const std::string& class_name, const RecordedFlow&) {
    return Deliver([names, class_name] { names->insert(class_name); });
  });
  return {names->begin(), names->end()};
}

LeftOutClass leave_out_class(const LeftOutPlan& plan, const std::string& name) {
  TrainingPlan training = plan.training;
  training.without = name;
  std::filesystem::create_directories(plan.folder);
  training.out = std::filesystem::absolute(plan.folder / ("without-" + name + ".onnx"));
  TrainingRun(training, nullptr).run();

  Settings settings = plan.settings;
  settings.models.resize(1);
  ModelSettings& model = settings.models.front();
  model.name = kModelName;
  model.path = training.out;
  model.when.reset();
  model.marks = true;
  LeftOutClass result;
  result.name = name;
  model.policy.open_set = true;
  result.with_rule = play(settings, plan.test, name);
  model.policy.open_set = false;
  result.without_rule = play(settings, plan.test, name);
  return result;
}

}  // namespace flowmark
