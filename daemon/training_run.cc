// flowmark train: from labelled recordings to a model file.

#include "daemon/training_run.h"

#include <cmath>
#include <ctime>
#include <iostream>

#include "daemon/window_lines.h"
#include "model/model.h"
#include "train/label_sets.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kRoundTripTolerance = 1e-4;
constexpr size_t kGoldenPerClass = 2;
constexpr size_t kMostGolden = 64;

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
  return rows;
}

void TrainingRun::learn() {
  LearnerOptions options = options_.learner;
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
  learner_ = make_learner(options, spec_);
  if (options_.on_start) {
    options_.on_start();
  }
  learner_->learn(examples_, train, validation);
  if (!options_.data.json) {
    std::cout << learner_->report() << std::flush;
  }
  if (!validation.empty() && options_.multilabel) {
    choose_thresholds();
  } else if (!validation.empty() && !options_.learner.linear.refit) {
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

/// Rows whose windows go into the file as its self-test: of every class, others than trained on
/// where there are any.
std::vector<uint32_t> TrainingRun::golden_rows() const {
  std::vector<uint32_t> chosen;
  const Strata strata = strata_of(examples_);
  std::vector<size_t> taken(strata.names.size(), 0);
  for (const Part part : {Part::test, Part::validation, Part::train}) {
    uint32_t last_packets = 0;
    for (const uint32_t row : rows_of(examples_, split_, part, false)) {
      const uint32_t packets = examples_.info(row).packets;
      size_t& of_stratum = taken[strata.of_row[row]];
      if (of_stratum < kGoldenPerClass && packets > last_packets && chosen.size() < kMostGolden) {
        ++of_stratum;
        chosen.push_back(row);
        last_packets = of_stratum < kGoldenPerClass ? packets : 0;
      }
    }
  }
  return chosen;
}

ModelDescription TrainingRun::description(const std::string& card) const {
  ModelDescription description;
  description.task = options_.task;
  description.classes = examples_.classes;
  description.input = spec_;
  description.multilabel = options_.multilabel;
  description.card = card;
  for (const uint32_t row : golden_rows()) {
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
        candidate_, round_trip_,
        options_.learner.type == LearnerType::gaussian_nb ? " (a larger --smoothing helps)" : "");
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
  if (!options_.learner.linear.refit) {
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

Json TrainingRun::card() const {
  Json card;
  card["tool"] = "flowmark " FLOWMARK_VERSION;
  card["date"] = today();
  card["model"] = to_string(options_.learner.type);
  learner_->describe(card);
  card["balanced"] = options_.learner.balanced;
  if (learner_->interrupted()) card["interrupted"] = true;
  if (options_.undersample) card["undersampled"] = true;
  if (!options_.versus.empty()) card["versus"] = options_.versus;
  for (const Augmentation kind : options_.augment.kinds) {
    card["augmentations"].push_back(to_string(kind));
  }
  if (!options_.augment.kinds.empty()) card["copies"] = options_.augment.copies;
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
  std::vector<bool> counted(examples_.flows.size(), false);
  std::vector<double> flows(examples_.classes.size(), 0);
  double all = 0;
  for (size_t row = 0; row < recorded_; ++row) {
    const ExampleInfo& info = examples_.info(row);
    if (counted[info.flow]) continue;
    counted[info.flow] = true;
    for (size_t c = 0; c < flows.size(); ++c) {
      const bool has =
          examples_.multilabel ? (info.label_set >> c & 1) != 0 : info.class_index == c;
      flows[c] += has ? 1 : 0;
      all += has ? 1 : 0;
    }
  }
  for (size_t c = 0; c < flows.size(); ++c) {
    card["class_shares"][examples_.classes[c]] = flows[c] / all;
  }
  if (abstention_) {
    card["confidence"] = {{"threshold", abstention_->threshold},
                          {"accuracy", abstention_->accuracy},
                          {"coverage", abstention_->coverage},
                          {"target", options_.target_accuracy}};
  }
  if (!thresholds_.empty()) {
    card["labels"] = to_json(thresholds_, examples_.classes);
    card["target_accuracy"] = options_.target_accuracy;
  }
  if (validation_result_) {
    card["validation"] = validation_result_.to_json();
  }
  if (test_result_) {
    card["test"] = test_result_.to_json();
  }
  return card;
}

void TrainingRun::print() const {
  if (options_.data.json) {
    Json out = card_;
    out["out"] = options_.out;
    out["sha256"] = model_->sha256;
    out["round_trip"] = round_trip_;
    out["trials"] = learner_->trials();
    std::cout << out.dump(2) << "\n";
    return;
  }
  if (learner_->interrupted()) {
    std::cout << "\nInterrupted: this is the best model so far.";
    if (std::filesystem::exists(options_.out + ".state")) {
      std::cout << " The same command with --resume goes on from " << options_.out << ".state.";
    }
    std::cout << "\n";
  }
  if (test_result_) {
    std::cout << "\nOn test data:\n" << test_result_.to_text();
  } else if (validation_result_) {
    std::cout << "\nOn validation data, by which the model was chosen:\n"
              << validation_result_.to_text();
  } else {
    std::cout << "\nNo data was set aside: how right the model is, is not known (flowmark eval).\n";
  }
  for (size_t c = 0; c < thresholds_.size(); ++c) {
    const LabelThreshold& of = thresholds_[c];
    std::cout << (c == 0 ? "\n" : "")
              << fmt::format(
                     "{}: said to be there above {:.3f}; {:.2f}% sure above {:.3f}, which "
                     "finds {:.2f}% of it on validation data\n",
                     examples_.classes[c], of.threshold, 100 * options_.target_accuracy, of.sure,
                     100 * of.found);
  }
  if (abstention_) {
    std::cout << fmt::format(
        "\nconfidence {:.3f}: on validation data {:.2f}% of the windows get an answer, of which "
        "{:.2f}% are right{}\n",
        abstention_->threshold, 100 * abstention_->coverage, 100 * abstention_->accuracy,
        abstention_->reached
            ? ""
            : fmt::format(" (no confidence reaches {:.2f}%)", 100 * options_.target_accuracy));
  }
  std::cout << fmt::format(
      "\n{}: {} parameters, {} golden windows, largest difference to the trained probabilities "
      "{:.1e}\n",
      options_.out, model_->parameters, model_->golden_windows, round_trip_);
}

}  // namespace flowmark
