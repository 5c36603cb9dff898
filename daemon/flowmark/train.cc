// flowmark train: from labelled recordings to a model file.

#include <fmt/ranges.h>
#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/data_options.h"
#include "cli/learner_options.h"
#include "cli/window_options.h"
#include "daemon/flowmark/commands.h"
#include "data/prefixes.h"
#include "learn/training_run.h"

namespace flowmark {
namespace {

/// What the command line holds before it is checked.
struct TrainArguments {
  DataOptions data;
  std::string spec;
  TrainingPlan plan;
  std::vector<std::string> augment;
  bool unbalanced = false;
  bool no_calibration = false;
};

constexpr const char* kTrainHelp =
    "\nA manifest is a YAML file (docs/cli.md):\n"
    "  sessions:\n"
    "    - {path: calls/1.pcap.gz, label: voip, session: 1, split: train}\n"
    "    - {path: calls/2.pcap.gz, label: voip, session: 2, split: test}\n"
    "    - path: published.csv.gz\n"
    "      labels: {\"Google Doc\": documents, \"*\": ~}    # labels in the file; ~ leaves out\n"
    "\nExamples:\n"
    "  flowmark train --data manifest.yaml --out category.onnx\n"
    "  flowmark train --model-type forest --min-leaf 3 --data manifest.yaml --out category.onnx\n"
    "  flowmark train --model-type naive-bayes --spec size_iat --data flows.csv.gz --test 0.3 "
    "--out "
    "nb.onnx\n"
    "  flowmark train --model-type cnn --spec flowpic-32 --augment rtt,shift,loss --data "
    "manifest.yaml --out cnn.onnx\n"
    "  flowmark train --data config/models/all.yaml --data-root recordings --balance-by source "
    "--out m.onnx\n"
    "  flowmark train --multi-label --data mixtures.yaml --out content.onnx\n"
    "  flowmark train --data flows.csv.gz --no-tiles --prefix-seconds 15 --train-per-class 100 "
    "--seed 3 --out m.onnx\n";

void add_split_options(CLI::App& command, SplitOptions& split) {
  split.by.clear();
  command
      .add_option("--split-by", split.by,
                  "What stays together: flow, file, window, or a key of the manifest's entries "
                  "(default: session if all have one, else flow)")
      ->type_name("KEY");
  const auto share = CLI::Range(0.0, 0.9);
  command.add_option("--validation", split.validation, "Share of the training groups set aside")
      ->check(share)
      ->capture_default_str();
  command.add_option("--test", split.test, "Share of the groups kept for the test")
      ->check(share)
      ->capture_default_str();
  command.add_option("--train-per-class", split.train_per_class,
                     "Train and validate on so many groups of each class, test on all others");
  command.add_option("--seed", split.seed, "Of the split")->capture_default_str();
}

/// "logistic, forest": the kinds that can do something, by their names or titles.
std::string capable(const Learners& learners, bool LearnerKind::*can, const char* between = ", ",
                    const char* LearnerKind::*name = &LearnerKind::name) {
  std::vector<std::string> names;
  for (const LearnerKind& kind : learners.kinds()) {
    if (kind.*can) names.emplace_back(kind.*name);
  }
  return fmt::format("{}", fmt::join(names, between));
}

std::string early_stop_help(const Learners& learners) {
  std::vector<std::string> counts;
  for (const LearnerKind& kind : learners.kinds()) {
    if (*kind.early_stop_help != 0) {
      counts.push_back(fmt::format("{}: {}", kind.name, kind.early_stop_help));
    }
  }
  return fmt::format("Stop after so many of these without a better validation loss ({})",
                     fmt::join(counts, "; "));
}

/// "combined-log1p (logistic, forest), flowpic (cnn)": what the kinds read by default.
std::string default_inputs(const Learners& learners) {
  std::vector<std::pair<std::string, std::vector<std::string>>> readers;
  for (const LearnerKind& kind : learners.kinds()) {
    auto place = std::ranges::find(readers, kind.input, [](const auto& one) { return one.first; });
    if (place == readers.end()) place = readers.insert(place, {kind.input, {}});
    place->second.emplace_back(kind.name);
  }
  std::vector<std::string> texts;
  for (const auto& [input, names] : readers) {
    texts.push_back(fmt::format("{} ({})", input, fmt::join(names, ", ")));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

void add_training_options(CLI::App& command, TrainArguments& arguments) {
  TrainingPlan& plan = arguments.plan;
  command.add_option("--early-stop", plan.learning.early_stop, early_stop_help(plan.learners));
  command.add_flag("--unbalanced", arguments.unbalanced,
                   "Let every window count the same, instead of every class");
  command.add_flag("--undersample", plan.undersample,
                   "Train on as many windows of each class (multi-label: of each set of labels) as "
                   "the smallest has, drawn at random");
  command
      .add_option("--balance-by", plan.balance_by,
                  "Within a class every source counts the same, so that none is learnt as a class: "
                  "the manifest's key that names it (large sources lose windows, small ones repeat "
                  "theirs up to ten times)")
      ->type_name("KEY");
  command.add_flag("--multi-label", plan.multilabel,
                   capable(plan.learners, &LearnerKind::multilabel) +
                       ": labels such as voip+chat are several classes at once, each an answer of "
                       "its own");
  command
      .add_option("--versus", plan.versus,
                  "One class against equal shares of all others, instead of all classes")
      ->type_name("CLASS");
  command.add_option("--without", plan.without, "Leave out the flows of this class")
      ->type_name("CLASS");
  command
      .add_option("--augment", arguments.augment,
                  "Train on changed copies too: change-rtt (or rtt), time-shift (shift), "
                  "packet-loss (loss), impairment (loss, duplicates, reordering and late "
                  "times, as a busy machine sees a flow), other-network (speed, MTU, TCP options, "
                  "thinned acknowledgements, seen from the middle on)")
      ->delimiter(',')
      ->type_name("KIND,...");
  command.add_option("--copies", plan.augment.copies, "Augmentation: copies of every flow")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_flag("--resume", plan.resume,
                   capable(plan.learners, &LearnerKind::resumes) +
                       ": go on where an interrupted training stopped (OUT.state)");
  command.add_flag("--no-calibration", arguments.no_calibration,
                   "Leave the probabilities as they come out");
  command
      .add_option("--target-accuracy", plan.target_accuracy,
                  "The confidence in the model's card is the lowest whose answers are so often "
                  "right on validation data")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--open-set", plan.open_set_share,
                  "Forests of one label: so many of the validation windows called a class may "
                  "resemble none, by how much the trees disagree; 0: no such rule")
      ->check(CLI::Range(0.0, 0.5))
      ->capture_default_str();
}

Augmentation augmentation(const std::string& name) {
  const std::string whole = name == "rtt"     ? "change-rtt"
                            : name == "shift" ? "time-shift"
                            : name == "loss"  ? "packet-loss"
                                              : name;
  try {
    return parse_augmentation(whole, "--augment");
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

/// The first of the kinds; of those that learn several labels at once where that is asked for.
std::string default_kind(const TrainingPlan& plan) {
  const std::vector<LearnerKind> kinds = plan.learners.kinds();
  return std::find_if(kinds.begin(), kinds.end(),
                      [&](const LearnerKind& kind) { return kind.multilabel || !plan.multilabel; })
      ->name;
}

/// Throws UsageError where options exclude each other, or the kind of model cannot do them.
void check(const TrainingPlan& plan, const LearnerKind& kind) {
  if (plan.multilabel && !kind.multilabel) {
    throw UsageError(fmt::format(
        "--model-type {}: only {} learns several labels at once (--multi-label)", kind.name,
        capable(plan.learners, &LearnerKind::multilabel, " or ", &LearnerKind::title)));
  }
  if (plan.multilabel &&
      (!plan.versus.empty() || !plan.without.empty() || plan.split.train_per_class > 0)) {
    throw UsageError("--multi-label: excludes --versus, --without and --train-per-class");
  }
  try {
    for (const auto& family : plan.learners.families()) family->check(plan.learning);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  if (plan.learning.early_stop > 0 && plan.split.validation <= 0) {
    throw UsageError("--early-stop: needs validation data (--validation)");
  }
  if (plan.resume && !kind.resumes) {
    throw UsageError(
        fmt::format("--resume: {} is trained in a moment, there is nothing to resume", kind.title));
  }
  if (!plan.versus.empty() && !plan.classes.empty()) {
    throw UsageError("--versus: excludes --classes");
  }
}

/// The command line's words as a plan; throws UsageError, or Error when the data cannot be read.
TrainingPlan planned(const TrainArguments& arguments) {
  TrainingPlan plan = arguments.plan;
  if (plan.learner.empty()) plan.learner = default_kind(plan);
  const LearnerKind& kind = plan.learners.kind(plan.learner, "--model-type");
  for (const std::string& name : arguments.augment) {
    plan.augment.kinds.push_back(augmentation(name));
  }
  check(plan, kind);
  plan.learning.balanced = !arguments.unbalanced && !plan.undersample;
  plan.learning.calibrate = !arguments.no_calibration;
  plan.input = parse_spec_argument(arguments.spec.empty() ? kind.input : arguments.spec);
  // The daemon's moments are of the flow's beginning, too.
  plan.cut = arguments.data.cut(arguments.data.is_served ? std::vector<FlowPrefix>()
                                                         : training_prefixes(plan.input));
  plan.sources = arguments.data.sources();
  for (const std::string& data : arguments.data.data) {
    plan.data_names.push_back(std::filesystem::path(data).filename().string());
  }
  return plan;
}

/// "logistic (...), naive-bayes (...) or cnn".
std::string kinds_help(const Learners& learners) {
  std::vector<std::string> texts;
  for (const LearnerKind& kind : learners.kinds()) texts.emplace_back(kind.help);
  const std::string last = texts.back();
  texts.pop_back();
  return fmt::format("{} or {}", fmt::join(texts, ", "), last);
}

std::atomic<bool> g_stop = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

/// The first Ctrl-C ends the training with the best model so far, the second the program.
extern "C" void stop_training(int signal) {
  g_stop = true;
  std::signal(signal, SIG_DFL);
}

int run_train(const TrainArguments& arguments) {
  std::optional<tbb::global_control> limit;
  if (arguments.data.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, arguments.data.threads);
  }
  TrainingPlan plan = planned(arguments);
  plan.learning.stop = &g_stop;
  plan.on_start = [] {
    std::signal(SIGINT, stop_training);
    std::signal(SIGTERM, stop_training);
  };
  const bool json = arguments.data.json;
  const TrainingResult result = TrainingRun(plan, json ? nullptr : &std::cout).run();
  std::cout << (json ? result.to_json().dump(2) + "\n" : result.to_text());
  return 0;
}

}  // namespace

CLI::App* add_train(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("train", "Train a model on labelled recordings");
  auto arguments = std::make_shared<TrainArguments>();
  TrainingPlan& plan = arguments->plan;
  command->add_option("--model-type", plan.learner, kinds_help(plan.learners))
      ->check(CLI::IsMember(plan.learners.names()));
  arguments->data.add_to(*command);
  arguments->data.add_served_to(*command);
  command
      ->add_option("--spec", arguments->spec,
                   "What the model reads, as for 'flowmark features' (default: " +
                       default_inputs(plan.learners) + ")")
      ->type_name("SPEC");
  command->add_option("--out", plan.out, "Model file to write")->required()->type_name("M.onnx");
  command->add_option("--task", plan.task, "What the model tells, e.g. category")
      ->capture_default_str();
  command->add_option("--classes", plan.classes, "Their order (default: by name)")->delimiter(',');
  add_split_options(*command, plan.split);
  add_training_options(*command, *arguments);
  for (const auto& family : plan.learners.families()) {
    add_learner_options(*command, *family, &LearnerOption::train_help);
  }
  command->footer(kTrainHelp);
  command->callback([arguments, &run] { run = [arguments] { return run_train(*arguments); }; });
  return command;
}

}  // namespace flowmark
