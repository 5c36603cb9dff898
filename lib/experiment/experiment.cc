#include "experiment/experiment.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/keyed_random.h"
#include "evaluate/bootstrap.h"
#include "evaluate/mean.h"
#include "experiment/deal.h"
#include "experiment/fit.h"
#include "experiment/sets.h"

namespace flowmark {
namespace {

constexpr uint32_t kVersion = 1;  // of how cells are computed; a change makes results stale

uint64_t hash_text(const std::string& text) {
  uint64_t hash = 0;
  for (const char letter : text) {
    hash = mix64(hash ^ static_cast<uint8_t>(letter));
  }
  return hash;
}

/// The examples of a repeat: training, validation and test rows one after the other.
struct RowSet {
  ExampleSet examples;
  std::vector<uint32_t> train, validation, test;
};

RowSet rows_of_cell(const ExperimentCell& cell, ValueKind values, const CellWindows& dealt,
                    const std::vector<RecordedWindow>& windows) {
  RowSet rows;
  rows.examples.feature_count = cell.spec.length();
  rows.examples.classes = dealt.classes;
  rows.examples.flows.resize(1);
  const auto add = [&](const std::vector<CellWindows::Member>& members, std::vector<uint32_t>& to) {
    for (const auto& member : members) {
      ExampleInfo info;
      info.class_index = member.class_index;
      info.packets = windows[member.window].packets;
      to.push_back(static_cast<uint32_t>(rows.examples.size()));
      rows.examples.add(info, as_read(values, cell.spec, windows[member.window].features));
    }
  };
  add(dealt.train, rows.train);
  add(dealt.validation, rows.validation);
  add(dealt.test, rows.test);
  return rows;
}

/// A validation part that lacks a class would mislead: then there is none.
bool has_every_class(const CellWindows& dealt) {
  std::vector<bool> seen(dealt.classes.size(), false);
  for (const auto& member : dealt.validation) {
    seen[member.class_index] = true;
  }
  return std::find(seen.begin(), seen.end(), false) == seen.end();
}

std::vector<Judgement> judge(const std::vector<float>& answers, const CellWindows& dealt,
                             const std::vector<RecordedWindow>& windows) {
  std::vector<Judgement> judgements;
  const size_t classes = dealt.classes.size();
  for (size_t i = 0; i < dealt.test.size(); ++i) {
    const auto from = answers.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto top = std::max_element(from, from + static_cast<std::ptrdiff_t>(classes));
    // By recording, so that the intervals of all repeats can be drawn together.
    judgements.push_back({windows[dealt.test[i].window].recording, dealt.test[i].class_index,
                          static_cast<uint32_t>(top - from), *top});
  }
  return judgements;
}

void run_classes(const ExperimentCell& cell, const ExperimentData& data,
                 const std::vector<RecordedWindow>& windows, const ExperimentOptions& options,
                 CellResult& result) {
  std::vector<Judgement> all;
  std::vector<double> accuracies;
  std::vector<double> balanced;
  const ValueKind values = options.learners.kind(cell.learner, "learner").histogram_values;
  ExperimentOptions dealing = options;
  if (!options.learners.family(cell.learner).uses_validation()) {
    dealing.validation = 0;
  }
  for (uint32_t repeat = 0; repeat < options.repeats; ++repeat) {
    const uint64_t seed = options.seed + repeat;
    CellWindows dealt = deal_cell(cell, data.recordings, windows, dealing, seed);
    if (!dealt.lacks.empty()) {
      result.lacks = dealt.lacks;
      return;
    }
    if (!has_every_class(dealt)) {
      dealt.train.insert(dealt.train.end(), dealt.validation.begin(), dealt.validation.end());
      dealt.validation.clear();
    }
    const RowSet rows = rows_of_cell(cell, values, dealt, windows);
    const auto answers = fit_and_answer(cell.learner, cell.spec, rows.examples, rows.train,
                                        rows.validation, rows.test, options, seed);
    const auto judgements = judge(answers, dealt, windows);
    const Confusion confusion = confusion_of(dealt.classes, judgements);
    accuracies.push_back(confusion.accuracy());
    balanced.push_back(confusion.balanced_accuracy());
    all.insert(all.end(), judgements.begin(), judgements.end());
    result.classes = dealt.classes;
    result.train_windows = dealt.train.size() + dealt.validation.size();
    result.test_windows = dealt.test.size();
    std::vector<uint32_t> groups;
    for (const auto& member : dealt.test) groups.push_back(member.group);
    std::sort(groups.begin(), groups.end());
    result.test_groups =
        static_cast<uint32_t>(std::unique(groups.begin(), groups.end()) - groups.begin());
  }
  const Confusion confusion = confusion_of(result.classes, all);
  for (size_t t = 0; t < result.classes.size(); ++t) {
    for (size_t a = 0; a < result.classes.size(); ++a) {
      result.confusion.push_back(confusion.count(t, a));
    }
  }
  const ConfidentScores scores = confident_scores(result.classes, all, {1000, 0.95, options.seed});
  result.accuracy = mean_of(accuracies);
  result.balanced = mean_of(balanced);
  result.deviation = deviation_of(balanced);
  result.low = scores.balanced_accuracy.low;
  result.high = scores.balanced_accuracy.high;
}

/// Of pictures that begin between the blocks too; empty where there are none, so that finished
/// cells of the default stay valid.
std::string added_windows(const ExperimentCell& cell, const ExperimentOptions& options) {
  const bool slides = cell.spec.is_by_time() && options.rules.slide_us > 0;
  return slides ? fmt::format(" slide {}", options.rules.slide_us) : "";
}

}  // namespace

std::string default_experiment_split(const ExperimentData& data) {
  const bool grouped = std::all_of(data.recordings.begin(), data.recordings.end(),
                                   [](const Recording& r) { return !r.group.empty(); });
  return grouped ? "group" : "flow";
}

Learners experiment_learners() {
  Learners learners;
  learners.set("epochs", "40");
  learners.set("patience", "8");
  learners.set("out-of-bag", "no");
  return learners;
}

void make_quick(ExperimentOptions& options) {
  options.repeats = 1;
  options.max_windows = 150;
  for (const LearnerOption& option : options.learners.options()) {
    if (!option.quick.empty()) options.learners.set(option.name, option.quick);
  }
  options.mixtures = 60;
}

uint64_t cell_digest(const ExperimentCell& cell, const ExperimentOptions& options,
                     uint64_t data_digest) {
  return hash_text(
      fmt::format("{} {} {} {} {} {} {} {}{} | {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
                  kVersion, static_cast<int>(cell.task), cell.target, cell.train_on, cell.test_on,
                  cell.spec.to_json(), cell.learner, cell.background_pps,
                  cell.recorded_background                         ? " recorded"
                  : cell.task == ExperimentCell::Task::multi_label ? " thresholds"
                                                                   : "",
                  options.split, options.test, options.validation, options.train_per_class,
                  options.repeats, options.seed, options.max_windows,
                  options.learners.get("epochs"), options.learners.get("trees"), options.mixtures,
                  options.rules.min_packets, options.rules.min_span, options.rules.short_flows,
                  options.rules.first_only, data_digest) +
      added_windows(cell, options) + options.learners.family(cell.learner).changes());
}

const std::vector<RecordedWindow>& CellRunner::windows(const ExperimentCell& cell) {
  const double added_pps = cell.recorded_background ? 0 : cell.background_pps;
  const std::string key = fmt::format("{} {}", cell.spec.to_json(), added_pps);
  if (key != cached_) {
    cached_.clear();
    windows_.clear();
    windows_ =
        cut_recordings(data_.recordings, cell.spec, options_.rules, added_pps, options_.seed);
    cached_ = key;
  }
  return windows_;
}

CellResult CellRunner::run(const ExperimentCell& cell) {
  const auto start = std::chrono::steady_clock::now();
  if (options_.repeats == 0 || options_.max_windows == 0) {
    fail("repeats and windows of a class: must be 1 or more");
  }
  CellResult result;
  result.id = cell.id;
  result.repeats = options_.repeats;
  const auto techniques = data_.techniques();
  for (const std::string& wanted : {cell.train_on, cell.test_on}) {
    if (!wanted.empty() &&
        std::find(techniques.begin(), techniques.end(), wanted) == techniques.end()) {
      result.lacks = "no recording on " + wanted;
      return result;
    }
  }
  if (cell.task == ExperimentCell::Task::multi_label) {
    run_label_sets(cell, data_, options_, result);
  } else {
    run_classes(cell, data_, windows(cell), options_, result);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace flowmark
