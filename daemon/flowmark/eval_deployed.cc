// flowmark eval --as-deployed: what the daemon would have marked.
#include "daemon/flowmark/eval_deployed.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/usage_error.h"
#include "deployed/deployed_evaluation.h"

namespace flowmark {
namespace {

Settings settings_of(const DeployedOptions& options, const std::string& model) {
  Settings settings;
  try {
    if (!options.config.empty()) settings = load_settings(options.config);
  } catch (const SettingsError& error) {
    throw UsageError(error.what());
  }
  if (!model.empty()) {
    ModelSettings only;
    only.path = std::filesystem::absolute(model).lexically_normal();
    only.name = only.path.stem().string();
    settings.models = {only};
  }
  for (ModelSettings& one : settings.models) {
    if (options.confidence) {
      one.policy.confidence = *options.confidence;
      one.policy.confidence_given = true;
    }
    one.policy.votes = options.votes.value_or(one.policy.votes);
    one.policy.hysteresis = options.hysteresis.value_or(one.policy.hysteresis);
  }
  return settings;
}

}  // namespace

void DeployedOptions::add_to(CLI::App& command) {
  const auto wanted = command.add_flag(
      "--as-deployed", is_wanted,
      "Play whole flows through the daemon's classifier with its policy, and judge its marks");
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->needs(wanted);
  };
  add("--config", config, "As deployed: configuration with models, their policies and marks")
      ->type_name("FILE");
  command
      .add_flag("--admit-all", admits_all,
                "As deployed: live marks for every flow, whatever rate it has")
      ->needs(wanted);
  add("--confidence", confidence, "As deployed: policy.confidence of all models, in its place")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
  add("--votes", votes, "As deployed: policy.votes of all models, in its place")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  add("--hysteresis", hysteresis, "As deployed: policy.hysteresis of all models, in its place")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
}

int run_eval_deployed(const DeployedOptions& options, const std::string& model,
                      const std::vector<DataSource>& sources, const std::string& group_by,
                      const BootstrapOptions& bootstrap, bool json) {
  const Settings settings = settings_of(options, model);
  if (settings.models.empty()) throw UsageError("--as-deployed: needs --model or --config");
  const Deployment deployment = deployment_of(settings, !options.admits_all);
  const DeployedEvaluation result = evaluate_deployed(deployment, sources, group_by, bootstrap);
  std::cout << (json ? result.to_json().dump(2) + "\n" : result.to_text());
  return 0;
}

}  // namespace flowmark
