// flowmark train: from labelled recordings to a model file.

#include <oneapi/tbb/global_control.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>

#include "cli/cnn_options.h"
#include "cli/data_options.h"
#include "cli/training_run.h"
#include "daemon/flowmark/commands.h"

namespace flowmark {
namespace {

/// What the command line holds before it is checked.
struct TrainArguments {
  TrainOptions options;
  std::string type;
  std::string network = "auto";
  std::vector<std::string> augment;
  std::vector<double> l2, alpha, smoothing;
  uint32_t early_stop = 0;
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

void add_linear_options(CLI::App& command, TrainArguments& arguments) {
  LinearTraining& training = arguments.options.learner.linear;
  command.add_option("--l2", arguments.l2,
                     "Logistic: strength of the penalty on squared weights; of several the best on "
                     "validation data is taken (default 1e-2 ... 1e-6)");
  command.add_option("--alpha", arguments.alpha,
                     "Naive Bayes: smoothing; of several the best is taken (default 1)");
  command.add_option("--smoothing", arguments.smoothing,
                     "Gaussian naive Bayes: share of the largest variance that is added to all; of "
                     "several the best is taken (default 1e-1 ... 1e-9)");
  command.add_option("--max-iterations", training.max_iterations, "Of each logistic fit")
      ->capture_default_str();
  command
      .add_option("--tolerance", training.tolerance,
                  "Converged when the gradient has shrunk to this share")
      ->capture_default_str();
  command.add_flag("--refit", training.refit,
                   "Linear: finally train on training and validation data together");
}

void add_forest_options(CLI::App& command, ForestOptions& forest) {
  command.add_option("--trees", forest.trees, "Forest: how many")->capture_default_str();
  command
      .add_option("--min-leaf", forest.min_leaf,
                  "Forest: windows a leaf rests on at least; more give smoother probabilities")
      ->capture_default_str();
  command
      .add_option("--max-depth", forest.max_depth, "Forest: splits on the way to a leaf; 0: any")
      ->capture_default_str();
  command.add_option("--max-leaves", forest.max_leaves, "Forest: of a tree; 0: any")
      ->capture_default_str();
  command
      .add_option("--features-per-split", forest.features_per_split,
                  "Forest: drawn for every split; 0: the square root of their number")
      ->capture_default_str();
  command.add_flag("--extra-trees", forest.random_thresholds,
                   "Forest: a random threshold for every feature drawn, all windows in every tree");
}

void add_cnn_options(CLI::App& command, TrainArguments& arguments) {
  CnnTrainingOptions& cnn = arguments.options.learner.cnn;
  command
      .add_option(
          "--network", arguments.network,
          "CNN: flowpic (10 x 10 filters, stride 5, as in the paper), lenet (mini-FlowPic), "
          "or auto: flowpic from 200 x 200 pixels on")
      ->check(CLI::IsMember({"auto", "flowpic", "lenet"}))
      ->capture_default_str();
  command.add_option("--epochs", cnn.max_epochs, "CNN: at most")->capture_default_str();
  command.add_option("--input-scale", cnn.input_scale, "CNN: pixels are multiplied by it")
      ->capture_default_str();
  add_cnn_learning_options(command, cnn);
}

void add_training_options(CLI::App& command, TrainArguments& arguments) {
  TrainOptions& options = arguments.options;
  command.add_option("--early-stop", arguments.early_stop,
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

constexpr uint32_t kCnnPatience = 10;

/// The command line's words as options; throws UsageError.
TrainOptions checked(const TrainArguments& arguments) {
  TrainOptions options = arguments.options;
  LearnerOptions& learner = options.learner;
  learner.type = !arguments.type.empty() ? parse_learner_type(arguments.type, "--model-type")
                 : options.multilabel    ? LearnerType::forest
                                         : LearnerType::logistic;
  if (options.multilabel && learner.type != LearnerType::forest) {
    throw UsageError(
        fmt::format("--model-type {}: only a forest learns several labels at once (--multi-label)",
                    to_string(learner.type)));
  }
  if (options.multilabel && (!options.versus.empty() || options.split.train_per_class > 0)) {
    throw UsageError("--multi-label: excludes --versus and --train-per-class");
  }
  learner.balanced = !arguments.unbalanced && !options.undersample;
  learner.calibrate = !arguments.no_calibration;
  learner.strengths = learner.type == LearnerType::logistic      ? arguments.l2
                      : learner.type == LearnerType::naive_bayes ? arguments.alpha
                                                                 : arguments.smoothing;
  learner.forest.bootstrap = !learner.forest.random_thresholds;
  learner.linear.patience = arguments.early_stop;
  const bool last = learner.cnn.judge == CnnTrainingOptions::Judge::last;
  if (last && arguments.early_stop > 0) {
    throw UsageError("--early-stop: excludes --judge last");
  }
  learner.cnn.patience = last ? 0 : arguments.early_stop > 0 ? arguments.early_stop : kCnnPatience;
  if (arguments.network != "auto") {
    learner.cnn.shape =
        arguments.network == "flowpic" ? CnnShape::flowpic(0, 0, 0) : CnnShape::lenet(0, 0, 0);
  }
  for (const std::string& name : arguments.augment) {
    options.augment.kinds.push_back(augmentation(name));
  }
  if (arguments.early_stop > 0 && options.split.validation <= 0) {
    throw UsageError("--early-stop: needs validation data (--validation)");
  }
  const bool is_instant =
      learner.type == LearnerType::naive_bayes || learner.type == LearnerType::gaussian_nb;
  if (options.resume && is_instant) {
    throw UsageError("--resume: naive Bayes is trained in a moment, there is nothing to resume");
  }
  if (!options.versus.empty() && !options.classes.empty()) {
    throw UsageError("--versus: excludes --classes");
  }
  if (options.spec.empty()) {
    options.spec =
        learner.type == LearnerType::cnn ? "flowpic" : R"({"kind":"combined","values":"log1p"})";
  }
  return options;
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
  options.learner.stop = &g_stop;
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
  command
      ->add_option("--model-type", arguments->type,
                   "logistic (regression; the default), naive-bayes (multinomial), gaussian-nb, "
                   "(random) forest (the default of --multi-label) or cnn")
      ->check(CLI::IsMember(learner_type_names()));
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
  add_linear_options(*command, *arguments);
  add_forest_options(*command, options.learner.forest);
  add_cnn_options(*command, *arguments);
  command->footer(kTrainHelp);
  command->callback([arguments, &run] { run = [arguments] { return run_train(*arguments); }; });
  return command;
}

}  // namespace flowmark
