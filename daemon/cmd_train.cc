// flowmark train: from labelled recordings to a model file.

#include "daemon/cmd_train.h"
#include "daemon/learner.h"

#include <oneapi/tbb/global_control.h>

#include <cmath>
#include <ctime>
#include <iostream>
#include <memory>
#include <optional>

#include "daemon/window_lines.h"
#include "model/model.h"
#include "train/evaluation.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kRoundTripTolerance = 1e-4;
constexpr size_t kGoldenPerClass = 2;

struct TrainOptions {
  DataOptions data;
  SplitOptions split;
  std::string split_by;
  LearnerOptions learner;
  std::string spec = R"({"kind":"combined","values":"log1p"})";
  std::string out;
  std::string task = "category";
  std::vector<std::string> classes;
};

constexpr const char* kHelp =
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
    "  flowmark train --data flows.csv.gz --no-tiles --prefix-seconds 15 --train-per-class 100 "
    "--seed 3 --out m.onnx\n";

/// UTC; SOURCE_DATE_EPOCH stands in for now, so that a training can be repeated byte for byte.
std::string today() {
  std::time_t now = std::time(nullptr);
  if (const char* fixed = std::getenv("SOURCE_DATE_EPOCH")) {
    now = static_cast<std::time_t>(std::strtoll(fixed, nullptr, 10));
  }
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
  return text;
}

/// One training: the steps share what they find.
class Training {
 public:
  explicit Training(const TrainOptions& options)
      : options_(options), spec_(parse_spec_argument(options.spec)) {}

  int run() {
    load();
    learn();
    write();
    judge();
    print();
    return 0;
  }

 private:
  void load() {
    const CutOptions cut = options_.data.cut(spec_);
    sources_ = options_.data.sources();
    examples_ = load_examples(sources_, spec_, cut, options_.classes, counts_);
    require_every_class(examples_);
    split_options_ = options_.split;
    split_options_.by = options_.split_by.empty() ? default_split(sources_) : options_.split_by;
    split_ = split_examples(examples_, sources_, split_options_);
    test_ = rows_of(examples_, split_, Part::test, true);
    validation_ = rows_of(examples_, split_, Part::validation, true);
    if (!options_.data.json) {
      std::cout << counts_.flows << " flows";
      if (counts_.thin_flows + counts_.left_out > 0) {
        std::cout << " (" << counts_.thin_flows << " more had no window of "
                  << options_.data.min_packets << " packets, " << counts_.left_out
                  << " were left out)";
      }
      std::cout << "\n" << describe_split(examples_, split_, split_options_) << std::flush;
    }
  }

  void learn() {
    LearnerOptions options = options_.learner;
    options.seed = options_.split.seed;
    learner_ =
        options.type == "forest" ? make_forest_learner(options) : make_linear_learner(options);
    learner_->learn(examples_, rows_of(examples_, split_, Part::train, false),
                    rows_of(examples_, split_, Part::validation, false));
    if (!options_.data.json) std::cout << "\n" << learner_->report() << std::flush;
  }

  /// Rows whose windows go into the file as its self-test: of every class, others than trained on
  /// where there are any.
  std::vector<uint32_t> golden_rows() const {
    std::vector<uint32_t> chosen;
    std::vector<size_t> taken(examples_.classes.size(), 0);
    for (const Part part : {Part::test, Part::validation, Part::train}) {
      uint32_t last_packets = 0;
      for (const uint32_t row : rows_of(examples_, split_, part, false)) {
        const ExampleInfo& info = examples_.info(row);
        if (taken[info.class_index] < kGoldenPerClass && info.packets > last_packets) {
          ++taken[info.class_index];
          chosen.push_back(row);
          last_packets = taken[info.class_index] < kGoldenPerClass ? info.packets : 0;
        }
      }
    }
    return chosen;
  }

  ModelDescription description(const std::string& card) const {
    ModelDescription description;
    description.task = options_.task;
    description.classes = examples_.classes;
    description.input = spec_;
    description.card = card;
    for (const uint32_t row : golden_rows()) {
      const auto window = examples_.row(row);
      description.golden_inputs.emplace_back(window.begin(), window.end());
    }
    return description;
  }

  /// Writes under another name first, reads it back as the daemon would, and compares: the model's
  /// own name only ever stands for a file that has passed.
  void write() {
    candidate_ = options_.out + ".candidate";
    learner_->write(candidate_, description(""));
    model_ = load_model(candidate_);
    round_trip_ = round_trip();
    if (!(round_trip_ <= kRoundTripTolerance)) {
      fail(
          "{}: the written model's probabilities differ by {} from the trained ones; kept for "
          "inspection",
          candidate_, round_trip_);
    }
  }

  double round_trip() {
    const auto scratch = model_->engine->make_scratch();
    std::vector<double> expected(examples_.classes.size());
    double most = 0;
    for (size_t row = 0; row < examples_.size(); ++row) {
      learner_->probabilities(examples_.row(row), expected);
      const auto got = model_->engine->run(*scratch, examples_.row(row));
      for (size_t c = 0; c < expected.size(); ++c) {
        most = std::max(most, std::fabs(expected[c] - static_cast<double>(got[c])));
      }
    }
    return most;
  }

  void judge() {
    if (!test_.empty()) {
      test_result_ = evaluate_rows(*model_, examples_, test_);
    }
    if (!validation_.empty() && !options_.learner.linear.refit) {
      validation_result_ = evaluate_rows(*model_, examples_, validation_);
    }
    card_ = card();
    learner_->write(candidate_, description(card_.dump()));
    model_ = load_model(candidate_);
    std::filesystem::rename(candidate_, options_.out);
  }

  Json card() const {
    Json card;
    card["tool"] = "flowmark " FLOWMARK_VERSION;
    card["date"] = today();
    card["model"] = options_.learner.type;
    learner_->describe(card);
    card["balanced"] = !options_.learner.unbalanced;
    for (const std::string& data : options_.data.data) {
      card["data"].push_back(std::filesystem::path(data).filename().string());
    }
    card["flows"] = counts_.flows;
    card["split"] = {{"by", split_options_.by},
                     {"seed", split_options_.seed},
                     {"train_groups", split_.groups[0]},
                     {"validation_groups", split_.groups[1]},
                     {"test_groups", split_.groups[2]}};
    card["min_packets"] = options_.data.min_packets;
    std::vector<double> flows(examples_.classes.size(), 0);
    for (const ExampleFlow& flow : examples_.flows) {
      flows[flow.class_index] += 1;
    }
    for (size_t c = 0; c < flows.size(); ++c) {
      card["class_shares"][examples_.classes[c]] =
          flows[c] / static_cast<double>(examples_.flows.size());
    }
    if (validation_result_) {
      card["validation"] = validation_result_->to_json();
    }
    if (test_result_) {
      card["test"] = test_result_->to_json();
    }
    return card;
  }

  void print() const {
    if (options_.data.json) {
      Json out = card_;
      out["out"] = options_.out;
      out["sha256"] = model_->sha256;
      out["round_trip"] = round_trip_;
      out["trials"] = learner_->trials();
      std::cout << out.dump(2) << "\n";
      return;
    }
    if (test_result_) {
      std::cout << "\nOn test data:\n" << test_result_->to_text();
    } else if (validation_result_) {
      std::cout << "\nOn validation data, by which the model was chosen:\n"
                << validation_result_->to_text();
    } else {
      std::cout
          << "\nNo data was set aside: how right the model is, is not known (flowmark eval).\n";
    }
    std::cout << fmt::format(
        "\n{}: {} parameters, {} golden windows, largest difference to the trained probabilities "
        "{:.1e}\n",
        options_.out, model_->parameters, model_->golden_windows, round_trip_);
  }

  const TrainOptions& options_;
  FeatureSpec spec_;
  std::vector<DataSource> sources_;
  LoadCounts counts_;
  ExampleSet examples_;
  SplitOptions split_options_;
  Split split_;
  std::vector<uint32_t> validation_;
  std::vector<uint32_t> test_;
  std::unique_ptr<Learner> learner_;
  std::string candidate_;
  std::shared_ptr<const Model> model_;
  double round_trip_ = 0;
  std::optional<Evaluation> validation_result_;
  std::optional<Evaluation> test_result_;
  Json card_;
};

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

void add_training_options(CLI::App& command, TrainOptions& options) {
  LinearTraining& training = options.learner.linear;
  command.add_option("--l2", options.learner.l2,
                     "Logistic: strength of the penalty on squared weights; of several the best on "
                     "validation data is taken (default 1e-2 ... 1e-6)");
  command.add_option("--alpha", options.learner.alpha,
                     "Naive Bayes: smoothing; of several the best is taken (default 1)");
  command.add_option("--max-iterations", training.max_iterations, "Of each fit")
      ->capture_default_str();
  command
      .add_option("--tolerance", training.tolerance,
                  "Converged when the gradient has shrunk to this share")
      ->capture_default_str();
  command.add_option("--early-stop", training.patience,
                     "Stop after so many iterations without a better validation loss");
  command.add_flag("--unbalanced", options.learner.unbalanced,
                   "Let every window count the same, instead of every class");
  ForestOptions& forest = options.learner.forest;
  command.add_option("--trees", forest.trees, "Forest: how many")->capture_default_str();
  command
      .add_option("--min-leaf", forest.min_leaf,
                  "Forest: windows a leaf rests on at least; more give smoother probabilities")
      ->capture_default_str();
  command
      .add_option("--max-depth", forest.max_depth, "Forest: splits on the way to a leaf; 0: any")
      ->capture_default_str();
  command.add_flag("--refit", training.refit,
                   "Finally train on training and validation data together");
}

int run_train(const TrainOptions& options) {
  std::optional<tbb::global_control> limit;
  if (options.data.threads > 0) {
    limit.emplace(tbb::global_control::max_allowed_parallelism, options.data.threads);
  }
  if (options.learner.linear.patience > 0 && options.split.validation <= 0) {
    throw UsageError("--early-stop: needs validation data (--validation)");
  }
  return Training(options).run();
}

}  // namespace

CLI::App* add_train(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("train", "Train a model on labelled recordings");
  auto options = std::make_shared<TrainOptions>();
  command
      ->add_option("--model-type", options->learner.type,
                   "logistic (regression), naive-bayes or (random) forest")
      ->check(CLI::IsMember({"logistic", "naive-bayes", "forest"}))
      ->capture_default_str();
  options->data.add_to(*command);
  command->add_option("--spec", options->spec, "What the model reads, as for 'flowmark features'")
      ->type_name("SPEC")
      ->capture_default_str();
  command->add_option("--out", options->out, "Model file to write")
      ->required()
      ->type_name("M.onnx");
  command->add_option("--task", options->task, "What the model tells, e.g. category")
      ->capture_default_str();
  command->add_option("--classes", options->classes, "Their order (default: by name)")
      ->delimiter(',');
  add_split_options(*command, *options);
  add_training_options(*command, *options);
  command->footer(kHelp);
  command->callback([options, &run] { run = [options] { return run_train(*options); }; });
  return command;
}

}  // namespace flowmark
