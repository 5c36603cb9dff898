// flowmark train: from labelled recordings to a model file.

#include "cli/training_run.h"

#include <cmath>
#include <iostream>

#include "cli/window_options.h"
#include "data/golden_rows.h"
#include "data/label_sets.h"
#include "model/model.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kRoundTripTolerance = 1e-4;

}  // namespace

TrainingRun::TrainingRun(const TrainOptions& options)
    : options_(options), spec_(parse_spec_argument(options.spec)), cut_(options.data.cut(spec_)) {}

int TrainingRun::run() {
  load();
  learn();
  write();
  judge();
  print();
  return 0;
}

void TrainingRun::load() {
  sources_ = options_.data.sources();
  if (options_.multilabel) {
    examples_ = load_examples(sources_, spec_, cut_, {}, counts_);
    to_label_sets(examples_, options_.classes);
    require_every_label(examples_);
  } else {
    examples_ = load_examples(sources_, spec_, cut_, options_.classes, counts_);
    require_every_class(examples_);
  }
  if (!options_.versus.empty()) {
    narrow_to_versus();
  }
  recorded_ = examples_.size();
  split_options_ = options_.split;
  split_options_.by = options_.split_by.empty() ? default_split(examples_) : options_.split_by;
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

void TrainingRun::narrow_to_versus() {
  const auto place = std::find(examples_.classes.begin(), examples_.classes.end(), options_.versus);
  if (place == examples_.classes.end()) {
    fail("--versus {}: the data has no such class, but {}", options_.versus,
         fmt::join(examples_.classes, ", "));
  }
  std::vector<uint32_t> all(examples_.size());
  for (uint32_t row = 0; row < all.size(); ++row) all[row] = row;
  const auto rows =
      against_others(examples_, all, static_cast<uint32_t>(place - examples_.classes.begin()),
                     options_.split.seed);
  const std::vector<std::string> names = examples_.classes;
  const std::string others = "not " + options_.versus;
  examples_ =
      relabel(examples_, rows,
              [&](const ExampleFlow& flow) {
                return names[flow.class_index] == options_.versus ? options_.versus : others;
              },
              {options_.versus, others});
}

std::vector<uint32_t> TrainingRun::training_rows() {
  std::vector<uint32_t> rows = rows_of(examples_, split_, Part::train, false);
  if (options_.undersample) {
    rows = undersample(examples_, rows, options_.split.seed);
  }
  if (!options_.augment.kinds.empty()) {
    AugmentOptions augment = options_.augment;
    augment.seed = options_.split.seed;
    const auto more = augment_examples(examples_, sources_, spec_, cut_, rows, augment);
    if (more.empty()) {
      fail("--augment: no training flow stands on one side of the split alone");
    }
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return repeated(examples_, rows,
                  [&](const ExampleFlow& flow) { return sources_[flow.source].times; });
}

bool TrainingRun::learns_validation() const {
  return options_.learners.family(options_.learner).learns_validation();
}

void TrainingRun::learn() {
  LearnerOptions options = options_.learning;
  options.seed = options_.split.seed;
  const std::vector<uint32_t> validation = rows_of(examples_, split_, Part::validation, false);
  options.state = options_.out + ".state";
  if (options_.resume && !std::filesystem::exists(options.state)) {
    fail("--resume: {} is not there: no training was interrupted", options.state.string());
  }
  if (!options_.resume) {
    std::error_code ignored;
    std::filesystem::remove(options.state, ignored);
  }
  if (!options_.data.json) {
    options.on_line = [](const std::string& line) { std::cout << line << std::endl; };
    std::cout << "\n";
  }
  const std::vector<uint32_t> train = training_rows();
  learner_ = options_.learners.make(options_.learner, options, spec_);
  if (options_.on_start) {
    options_.on_start();
  }
  learner_->learn(examples_, train, validation);
  if (!options_.data.json) {
    std::cout << learner_->report() << std::flush;
  }
  if (!validation.empty() && options_.multilabel) {
    choose_thresholds();
  } else if (!validation.empty() && !learns_validation()) {
    std::vector<uint32_t> labels;
    for (const uint32_t row : validation) labels.push_back(examples_.info(row).class_index);
    abstention_ = choose_abstention(learner_->probabilities(examples_, validation), labels,
                                    static_cast<uint32_t>(examples_.classes.size()),
                                    options_.target_accuracy);
  }
}

/// By full windows, which count most; where there are none, by prefixes.
void TrainingRun::choose_thresholds() {
  std::vector<uint32_t> rows = rows_of(examples_, split_, Part::validation, false);
  const auto is_full = [&](uint32_t row) {
    return examples_.info(row).prefix == ExampleInfo::kTile;
  };
  if (std::any_of(rows.begin(), rows.end(), is_full)) {
    std::erase_if(rows, [&](uint32_t row) { return !is_full(row); });
  }
  std::vector<uint64_t> sets;
  for (const uint32_t row : rows) sets.push_back(examples_.info(row).label_set);
  thresholds_ = flowmark::choose_thresholds(learner_->probabilities(examples_, rows), sets,
                                            static_cast<uint32_t>(examples_.classes.size()),
                                            options_.target_accuracy);
}

ModelDescription TrainingRun::description(const std::string& card) const {
  ModelDescription description;
  description.task = options_.task;
  description.classes = examples_.classes;
  description.input = spec_;
  description.multilabel = options_.multilabel;
  description.card = card;
  for (const uint32_t row : choose_golden_rows(examples_, split_)) {
    const auto window = examples_.row(row);
    description.golden_inputs.emplace_back(window.begin(), window.end());
  }
  return description;
}

/// Writes under another name first, reads it back as the daemon would, and compares: the model's
/// own name only ever stands for a file that has passed.
void TrainingRun::write() {
  candidate_ = options_.out + ".candidate";
  // The thresholds are what the model is judged with.
  const Json labels{{"labels", to_json(thresholds_, examples_.classes)}};
  learner_->write(candidate_, description(thresholds_.empty() ? "" : labels.dump()));
  model_ = load_model(candidate_);
  round_trip_ = round_trip();
  if (!(round_trip_ <= kRoundTripTolerance)) {
    fail(
        "{}: the written model's probabilities differ by {} from the trained ones; kept for "
        "inspection{}",
        candidate_, round_trip_, options_.learners.kind(options_.learner, "learner").inexact_hint);
  }
}

double TrainingRun::round_trip() {
  std::vector<uint32_t> rows(recorded_);
  for (uint32_t row = 0; row < recorded_; ++row) rows[row] = row;
  const std::vector<float> expected = learner_->probabilities(examples_, rows);
  const auto scratch = model_->engine->make_scratch();
  const size_t classes = examples_.classes.size();
  double most = 0;
  for (size_t row = 0; row < recorded_; ++row) {
    const auto got = model_->engine->run(*scratch, examples_.row(row));
    for (size_t c = 0; c < classes; ++c) {
      const double difference = double{expected[row * classes + c]} - double{got[c]};
      most = difference <= most && difference >= -most ? most : std::fabs(difference);
    }
  }
  return most;
}

PartResult TrainingRun::judge_part(const std::vector<uint32_t>& rows) const {
  PartResult result;
  if (rows.empty()) return result;
  if (options_.multilabel) {
    result.multi = evaluate_set_rows(*model_, examples_, rows);
  } else {
    result.single = evaluate_rows(*model_, examples_, rows);
  }
  return result;
}

void TrainingRun::judge() {
  test_result_ = judge_part(test_);
  if (!learns_validation()) {
    validation_result_ = judge_part(validation_);
  }
  card_ = card();
  learner_->write(candidate_, description(card_.dump()));
  model_ = load_model(candidate_);
  std::filesystem::rename(candidate_, options_.out);
  if (!learner_->interrupted()) {
    std::error_code error;
    std::filesystem::remove(options_.out + ".state", error);
  }
}

}  // namespace flowmark
