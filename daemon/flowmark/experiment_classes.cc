// flowmark experiment classes: each class left out of training in turn.

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/data_options.h"
#include "cli/learner_options.h"
#include "cli/window_options.h"
#include "daemon/flowmark/commands.h"
#include "data/prefixes.h"
#include "deployed/left_out.h"
#include "report/html.h"

namespace flowmark {
namespace {

struct ClassesArguments {
  std::vector<std::string> data;
  std::string data_root;
  std::string config;
  std::string spec;
  std::vector<std::string> only;
  LeftOutPlan plan;
  uint32_t threads = 0;
  bool json = false;
};

constexpr const char* kClassesHelp =
    "\nTrains without one class at a time, and plays the test flows of all classes through the "
    "daemon's classifier:\nwhat becomes of traffic of a kind that the model does not know? A row "
    "says, in percent, how many flows of the class\nended with which verdict, how many of their "
    "packets left as EF and as AF41, and how many flows of the other\nclasses ended right or "
    "without a verdict; with the model's open-set rule (docs/models.md), and without it.\n"
    "\nThe folder --out gets without-CLASS.onnx, results.json and table.md.\n"
    "\nExample:\n"
    "  flowmark experiment classes --data config/models/category.yaml --out classes \\\n"
    "    --spec config/models/category.spec.json --trees 24 --max-leaves 1250 --min-leaf 4\n";

/// The plan as the command line has it. Throws UsageError, Error.
LeftOutPlan left_out_plan(const ClassesArguments& arguments) {
  LeftOutPlan plan = arguments.plan;
  TrainingPlan& training = plan.training;
  const LearnerKind& kind = training.learners.kind(training.learner, "--model-type");
  training.input = parse_spec_argument(arguments.spec.empty() ? kind.input : arguments.spec);
  training.cut.prefixes = training_prefixes(training.input);
  training.sources = sources_there(arguments.data, "label", arguments.data_root);
  training.learning.show_progress = false;
  for (const std::string& data : arguments.data) {
    training.data_names.push_back(std::filesystem::path(data).filename().string());
  }
  plan.test = sources_of_split(training.sources, "test");
  if (arguments.config.empty()) return plan;
  try {
    plan.settings = load_settings(arguments.config);
  } catch (const SettingsError& error) {
    throw UsageError(error.what());
  }
  return plan;
}

int run_classes(const ClassesArguments& arguments) {
  std::optional<tbb::global_control> limit;
  if (arguments.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, arguments.threads);
  }
  const LeftOutPlan plan = left_out_plan(arguments);
  std::vector<LeftOutClass> results;
  for (const std::string& name : arguments.only.empty() ? classes_of(plan.test) : arguments.only) {
    results.push_back(leave_out_class(plan, name));
    if (arguments.json) continue;
    const LeftOutFlows& own = results.back().with_rule.own;
    std::cout << fmt::format("without {}: {:.1f}% of its {} flows end without a verdict\n", name,
                             100 * own.share_called(""), own.flows)
              << std::flush;
  }
  const std::string json = left_out_json(results).dump(1) + "\n";
  write_text_file(plan.folder / "results.json", json);
  write_text_file(plan.folder / "table.md", left_out_table(results));
  std::cout << (arguments.json ? json : "\n" + left_out_table(results));
  return 0;
}

void add_left_out_options(CLI::App& command, TrainingPlan& training) {
  command
      .add_option(
          "--target-accuracy", training.target_accuracy,
          "The confidence is the lowest whose answers are so often right on validation data")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--open-set", training.open_set_share, "As for 'flowmark train'")
      ->check(CLI::Range(0.0, 0.5))
      ->capture_default_str();
  command.add_option("--seed", training.split.seed, "Of the split and the training")
      ->capture_default_str();
}

}  // namespace

void add_experiment_classes(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command =
      parent.add_subcommand("classes", "Unknown traffic: each class left out of training in turn");
  auto arguments = std::make_shared<ClassesArguments>();
  TrainingPlan& training = arguments->plan.training;
  training.learner = "forest";
  training.split.by.clear();
  training.target_accuracy = 0.9;
  command->add_option("--data", arguments->data, "As for 'flowmark train'; test flows are judged")
      ->required()
      ->type_name("FILE...");
  add_data_root_option(*command, arguments->data_root);
  command->add_option("--out", arguments->plan.folder, "Folder for models and results")
      ->required()
      ->type_name("FOLDER");
  command
      ->add_option("--config", arguments->config,
                   "Configuration with marks and the policy of its first model (default: the "
                   "defaults)")
      ->type_name("FILE");
  command
      ->add_option("--spec", arguments->spec,
                   "What the model reads, as for 'flowmark train' (default: the kind's)")
      ->type_name("SPEC");
  command->add_option("--model-type", training.learner, "Kind of model, as for 'flowmark train'")
      ->check(CLI::IsMember(training.learners.names()))
      ->capture_default_str();
  command->add_option("--only", arguments->only, "Only these classes")->type_name("CLASS...");
  command->add_flag("--json", arguments->json, "Print JSON instead of a table");
  command->add_option("--threads", arguments->threads, "Threads to use (default: all)");
  add_left_out_options(*command, training);
  for (const auto& family : training.learners.families()) {
    add_learner_options(*command, *family, &LearnerOption::train_help);
  }
  command->footer(kClassesHelp);
  command->callback([arguments, &run] { run = [arguments] { return run_classes(*arguments); }; });
}

}  // namespace flowmark
