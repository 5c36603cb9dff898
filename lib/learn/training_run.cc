#include "learn/training_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.h"
#include "data/balance.h"
#include "data/golden_rows.h"
#include "data/label_sets.h"
#include "data/split_summary.h"
#include "learn/open_set.h"

namespace flowmark {
namespace {

constexpr double kRoundTripTolerance = 1e-4;

}  // namespace

TrainingRun::TrainingRun(const TrainingPlan& plan, std::ostream* progress)
    : plan_(plan), progress_(progress), candidate_(plan.out.string() + ".candidate") {
  result_.out = plan.out;
  result_.target_accuracy = plan.target_accuracy;
}

TrainingResult TrainingRun::run() {
  load();
  learn();
  write();
  choose_open_set();
  judge();
  return std::move(result_);
}

void TrainingRun::load() {
  if (plan_.multilabel) {
    examples_ = load_examples(plan_.sources, plan_.input, plan_.cut, {}, counts_);
    to_label_sets(examples_, plan_.classes);
    require_every_label(examples_);
  } else {
    examples_ = load_examples(plan_.sources, plan_.input, plan_.cut, plan_.classes, counts_);
    require_every_class(examples_);
  }
  if (!plan_.without.empty()) leave_out_class();
  if (!plan_.versus.empty()) narrow_to_versus();
  recorded_ = examples_.size();
  split_options_ = plan_.split;
  if (split_options_.by.empty()) split_options_.by = default_split(examples_);
  split_ = split_examples(examples_, plan_.sources, split_options_);
  if (progress_ != nullptr) {
    *progress_ << counts_.flows << " flows";
    if (counts_.thin_flows + counts_.left_out > 0) {
      *progress_ << " (" << counts_.thin_flows << " more had no window of " << plan_.cut.min_packets
                 << " packets, " << counts_.left_out << " were left out)";
    }
    *progress_ << "\n" << describe_split(examples_, split_, split_options_) << std::flush;
  }
}

/// The index of a class that an option names.
uint32_t TrainingRun::class_called(const std::string& name, const char* option) const {
  const auto place = std::ranges::find(examples_.classes, name);
  if (place == examples_.classes.end()) {
    fail("{} {}: the data has no such class, but {}", option, name,
         fmt::join(examples_.classes, ", "));
  }
  return static_cast<uint32_t>(place - examples_.classes.begin());
}

void TrainingRun::leave_out_class() {
  const uint32_t out = class_called(plan_.without, "--without");
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < examples_.size(); ++row) {
    if (examples_.info(row).class_index != out) rows.push_back(row);
  }
  std::vector<std::string> names = examples_.classes;
  names.erase(names.begin() + out);
  examples_ = relabel(
      examples_, rows,
      [&, classes = examples_.classes](const ExampleFlow& flow) -> std::optional<std::string> {
        if (flow.class_index == out) return std::nullopt;
        return classes[flow.class_index];
      },
      names);
  require_every_class(examples_);
}

void TrainingRun::narrow_to_versus() {
  std::vector<uint32_t> all(examples_.size());
  for (uint32_t row = 0; row < all.size(); ++row) all[row] = row;
  const auto rows =
      against_others(examples_, all, class_called(plan_.versus, "--versus"), plan_.split.seed);
  const std::vector<std::string> names = examples_.classes;
  const std::string others = "not " + plan_.versus;
  examples_ = relabel(examples_, rows,
                      [&](const ExampleFlow& flow) {
                        return names[flow.class_index] == plan_.versus ? plan_.versus : others;
                      },
                      {plan_.versus, others});
}

std::vector<uint32_t> TrainingRun::training_rows() {
  std::vector<uint32_t> rows = rows_of(examples_, split_, Part::train, false);
  if (plan_.undersample) {
    rows = undersample(examples_, rows, plan_.split.seed);
  }
  if (!plan_.augment.kinds.empty()) {
    AugmentOptions augment = plan_.augment;
    augment.seed = plan_.split.seed;
    const auto more =
        augment_examples(examples_, plan_.sources, plan_.input, plan_.cut, rows, augment);
    if (more.empty()) {
      fail("--augment: no training flow stands on one side of the split alone");
    }
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return balanced(repeated(
      examples_, rows, [&](const ExampleFlow& flow) { return plan_.sources[flow.source].times; }));
}

/// By source, where the plan asks for it.
std::vector<uint32_t> TrainingRun::balanced(std::vector<uint32_t> rows) const {
  if (plan_.balance_by.empty()) return rows;
  return balance_rows(examples_, rows, {.key = plan_.balance_by, .seed = plan_.split.seed});
}

bool TrainingRun::learns_validation() const {
  return plan_.learners.family(plan_.learner).learns_validation();
}

std::filesystem::path TrainingRun::state_file() const {
  return plan_.out.string() + ".state";
}

LearnerOptions TrainingRun::learner_options() const {
  LearnerOptions options = plan_.learning;
  options.seed = plan_.split.seed;
  options.state = state_file();
  if (progress_ != nullptr) {
    options.on_line = [this](const std::string& line) { *progress_ << line << std::endl; };
  }
  return options;
}

void TrainingRun::learn() {
  if (plan_.resume && !std::filesystem::exists(state_file())) {
    fail("--resume: {} is not there: no training was interrupted", state_file().string());
  }
  if (!plan_.resume) {
    std::error_code ignored;
    std::filesystem::remove(state_file(), ignored);
  }
  if (progress_ != nullptr) *progress_ << "\n";
  const std::vector<uint32_t> validation =
      balanced(rows_of(examples_, split_, Part::validation, false));
  const std::vector<uint32_t> train = training_rows();
  learner_ = plan_.learners.make(plan_.learner, learner_options(), plan_.input);
  if (plan_.on_start) plan_.on_start();
  learner_->learn(examples_, train, validation);
  if (progress_ != nullptr) *progress_ << learner_->report() << std::flush;
  if (!validation.empty() && plan_.multilabel) {
    choose_thresholds();
  } else if (!validation.empty() && !learns_validation()) {
    std::vector<uint32_t> labels;
    for (const uint32_t row : validation) labels.push_back(examples_.info(row).class_index);
    result_.abstention =
        choose_abstention(learner_->probabilities(examples_, validation), labels,
                          static_cast<uint32_t>(examples_.classes.size()), plan_.target_accuracy);
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
  result_.thresholds = flowmark::choose_thresholds(learner_->probabilities(examples_, rows), sets,
                                                   static_cast<uint32_t>(examples_.classes.size()),
                                                   plan_.target_accuracy);
}

ModelDescription TrainingRun::description(const std::string& card) const {
  ModelDescription description;
  description.task = plan_.task;
  description.classes = examples_.classes;
  description.input = plan_.input;
  description.multilabel = plan_.multilabel;
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
  // The thresholds are what the model is judged with.
  const nlohmann::ordered_json labels{{"labels", to_json(result_.thresholds, examples_.classes)}};
  learner_->write(candidate_, description(result_.thresholds.empty() ? "" : labels.dump()));
  result_.model = load_model(candidate_);
  result_.round_trip = round_trip();
  if (!(result_.round_trip <= kRoundTripTolerance)) {
    fail(
        "{}: the written model's probabilities differ by {} from the trained ones; kept for "
        "inspection{}",
        candidate_.string(), result_.round_trip,
        plan_.learners.kind(plan_.learner, "learner").inexact_hint);
  }
}

/// By the written model's own answers; it is written again with the rule, so that it is judged as
/// it will serve.
void TrainingRun::choose_open_set() {
  const Engine& engine = *result_.model->engine;
  if (!(plan_.open_set_share > 0) || plan_.multilabel || learns_validation()) return;
  if (!engine.has_disagreement()) return;
  std::vector<uint32_t> answers;
  std::vector<float> disagreements;
  const auto scratch = engine.make_scratch();
  for (const uint32_t row : balanced(rows_of(examples_, split_, Part::validation, false))) {
    const auto answer = engine.run(*scratch, examples_.row(row));
    answers.push_back(static_cast<uint32_t>(std::ranges::max_element(answer) - answer.begin()));
    disagreements.push_back(engine.disagreement(*scratch));
  }
  result_.most_disagreement =
      choose_most_disagreement(answers, disagreements, engine.class_count(), plan_.open_set_share);
  if (result_.most_disagreement.empty()) return;
  learner_->write(candidate_,
                  description(nlohmann::ordered_json{{"open_set", open_set_card()}}.dump()));
  result_.model = load_model(candidate_);
}

double TrainingRun::round_trip() const {
  std::vector<uint32_t> rows(recorded_);
  for (uint32_t row = 0; row < recorded_; ++row) rows[row] = row;
  const std::vector<float> expected = learner_->probabilities(examples_, rows);
  const auto scratch = result_.model->engine->make_scratch();
  const size_t classes = examples_.classes.size();
  double most = 0;
  for (size_t row = 0; row < recorded_; ++row) {
    const auto got = result_.model->engine->run(*scratch, examples_.row(row));
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
  if (plan_.multilabel) {
    result.multi = evaluate_set_rows(*result_.model, examples_, rows);
  } else {
    result.single = evaluate_rows(*result_.model, examples_, rows);
  }
  return result;
}

void TrainingRun::judge() {
  result_.test = judge_part(rows_of(examples_, split_, Part::test, true));
  if (!learns_validation()) {
    result_.validation = judge_part(rows_of(examples_, split_, Part::validation, true));
  }
  result_.card = card();
  result_.trials = learner_->trials().dump();
  learner_->write(candidate_, description(result_.card));
  result_.model = load_model(candidate_);
  std::filesystem::rename(candidate_, plan_.out);
  result_.interrupted = learner_->interrupted();
  if (!result_.interrupted) {
    std::error_code error;
    std::filesystem::remove(state_file(), error);
  } else if (std::filesystem::exists(state_file())) {
    result_.state = state_file();
  }
}

}  // namespace flowmark
