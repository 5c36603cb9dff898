// flowmark train: from labelled recordings to a model file.

#include <fmt/ranges.h>
#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <optional>

#include "cli/data_options.h"
#include "cli/learner_options.h"
#include "cli/training_run.h"
#include "daemon/flowmark/commands.h"

namespace flowmark {
namespace {

/// What the command line holds before it is checked.
struct TrainArguments {
  TrainOptions options;
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
    "  flowmark train --multi-label --data mixtures.yaml --out content.onnx\n"
    "  flowmark train --data flows.csv.gz --no-tiles --prefix-seconds 15 --train-per-class 100 "
    "--seed 3 --out m.onnx\n";

void add_split_options(CLI::App& command, TrainOptions& options) {
  SplitOptions& split = options.split;
  command
      .add_option("--split-by", options.split_by,
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

void add_training_options(CLI::App& command, TrainArguments& arguments) {
  TrainOptions& options = arguments.options;
  command.add_option("--early-stop", options.learning.early_stop,
                     "Stop after so many iterations (CNN: epochs, there by default 10) without a "
                     "better validation loss");
  command.add_flag("--unbalanced", arguments.unbalanced,
                   "Let every window count the same, instead of every class");
  command.add_flag("--undersample", options.undersample,
                   "Train on as many windows of each class (multi-label: of each set of labels) as "
                   "the smallest has, drawn at random");
  command.add_flag("--multi-label", options.multilabel,
                   "Forest: labels such as voip+chat are several classes at once, each an answer "
                   "of its own");
  command
      .add_option("--versus", options.versus,
                  "One class against equal shares of all others, instead of all classes")
      ->type_name("CLASS");
  command
      .add_option("--augment", arguments.augment,
                  "Train on changed copies too: change-rtt (or rtt), time-shift (shift), "
                  "packet-loss (loss)")
      ->delimiter(',')
      ->type_name("KIND,...");
  command.add_option("--copies", options.augment.copies, "Augmentation: copies of every flow")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_flag("--resume", options.resume,
                   "CNN, forest, logistic: go on where an interrupted training stopped "
                   "(OUT.state)");
  command.add_flag("--no-calibration", arguments.no_calibration,
                   "Leave the probabilities as they come out");
  command
      .add_option("--target-accuracy", options.target_accuracy,
                  "The confidence in the model's card is the lowest whose answers are so often "
                  "right on validation data")
      ->check(CLI::Range(0.0, 1.0))
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
std::string default_kind(const TrainOptions& options) {
  const std::vector<LearnerKind> kinds = options.learners.kinds();
  return std::find_if(
             kinds.begin(), kinds.end(),
             [&](const LearnerKind& kind) { return kind.multilabel || !options.multilabel; })
      ->name;
}

/// Throws UsageError where options exclude each other, or the kind of model cannot do them.
void check(const TrainOptions& options, const LearnerKind& kind) {
  if (options.multilabel && !kind.multilabel) {
    throw UsageError(fmt::format(
        "--model-type {}: only a forest learns several labels at once (--multi-label)", kind.name));
  }
  if (options.multilabel && (!options.versus.empty() || options.split.train_per_class > 0)) {
    throw UsageError("--multi-label: excludes --versus and --train-per-class");
  }
  try {
    for (const auto& family : options.learners.families()) family->check(options.learning);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  if (options.learning.early_stop > 0 && options.split.validation <= 0) {
    throw UsageError("--early-stop: needs validation data (--validation)");
  }
  if (options.resume && !kind.resumes) {
    throw UsageError(
        fmt::format("--resume: {} is trained in a moment, there is nothing to resume", kind.title));
  }
  if (!options.versus.empty() && !options.classes.empty()) {
    throw UsageError("--versus: excludes --classes");
  }
}

/// The command line's words as options; throws UsageError.
TrainOptions checked(const TrainArguments& arguments) {
  TrainOptions options = arguments.options;
  if (options.learner.empty()) options.learner = default_kind(options);
  const LearnerKind& kind = options.learners.kind(options.learner, "--model-type");
  for (const std::string& name : arguments.augment) {
    options.augment.kinds.push_back(augmentation(name));
  }
  check(options, kind);
  options.learning.balanced = !arguments.unbalanced && !options.undersample;
  options.learning.calibrate = !arguments.no_calibration;
  if (options.spec.empty()) {
    options.spec = kind.pictures ? "flowpic" : R"({"kind":"combined","values":"log1p"})";
  }
  return options;
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
  TrainOptions options = checked(arguments);
  std::optional<tbb::global_control> limit;
  if (options.data.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, options.data.threads);
  }
  options.learning.stop = &g_stop;
  options.on_start = [] {
    std::signal(SIGINT, stop_training);
    std::signal(SIGTERM, stop_training);
  };
  return TrainingRun(options).run();
}

}  // namespace

CLI::App* add_train(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("train", "Train a model on labelled recordings");
  auto arguments = std::make_shared<TrainArguments>();
  TrainOptions& options = arguments->options;
  command->add_option("--model-type", options.learner, kinds_help(options.learners))
      ->check(CLI::IsMember(options.learners.names()));
  options.data.add_to(*command);
  command
      ->add_option("--spec", options.spec,
                   "What the model reads, as for 'flowmark features' (default: flowpic for a CNN, "
                   "else combined with log1p values)")
      ->type_name("SPEC");
  command->add_option("--out", options.out, "Model file to write")->required()->type_name("M.onnx");
  command->add_option("--task", options.task, "What the model tells, e.g. category")
      ->capture_default_str();
  command->add_option("--classes", options.classes, "Their order (default: by name)")
      ->delimiter(',');
  add_split_options(*command, options);
  add_training_options(*command, *arguments);
  for (const auto& family : options.learners.families()) {
    add_learner_options(*command, *family, &LearnerOption::train_help);
  }
  command->footer(kTrainHelp);
  command->callback([arguments, &run] { run = [arguments] { return run_train(*arguments); }; });
  return command;
}

}  // namespace flowmark
