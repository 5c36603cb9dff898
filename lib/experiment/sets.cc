#include "experiment/sets.h"

#include <span>

#include "base/keyed_random.h"
#include "evaluate/bootstrap.h"
#include "evaluate/mean.h"
#include "evaluate/metrics.h"
#include "experiment/fit.h"
#include "experiment/mix.h"
#include "learn/label_calibration.h"

namespace flowmark {
namespace {

/// Moves the windows of a share of the training mixtures to a part by which thresholds are chosen;
/// leaves everything as it is where a label would then be missing or everywhere on either side.
std::vector<uint32_t> set_aside(const MixedWindows& mixed, double share, uint64_t seed,
                                std::vector<uint32_t>& train) {
  const KeyedRandom random = KeyedRandom(seed).sub(77);
  std::vector<uint32_t> rest;
  std::vector<uint32_t> aside;
  for (const uint32_t row : train) {
    (random.uniform(mixed.train[row].group) < share ? aside : rest).push_back(row);
  }
  for (const auto* part : {&rest, &aside}) {
    uint64_t any = 0;
    uint64_t every = ~uint64_t{0};
    for (const uint32_t row : *part) {
      any |= mixed.train[row].set;
      every &= mixed.train[row].set;
    }
    for (size_t c = 0; c < mixed.labels.size(); ++c) {
      if ((any >> c & 1) == 0 || (every >> c & 1) != 0) return {};
    }
  }
  train = std::move(rest);
  return aside;
}

/// Answers of the rows behind the first ones, by thresholds that fit the first ones.
MultiLabelScores judge_sets(const MixedWindows& mixed, std::span<const float> answers,
                            std::span<const uint32_t> aside, std::vector<bool>& right) {
  const size_t labels = mixed.labels.size();
  std::vector<uint64_t> sets;
  for (const uint32_t row : aside) sets.push_back(mixed.train[row].set);
  const auto thresholds = choose_thresholds(answers.first(aside.size() * labels), sets,
                                            static_cast<uint32_t>(labels), 1);
  MultiLabelScores scores(mixed.labels);
  for (size_t i = 0; i < mixed.test.size(); ++i) {
    uint64_t said = 0;
    for (size_t c = 0; c < labels; ++c) {
      const double probability = answers[(aside.size() + i) * labels + c];
      said |= uint64_t{probability > thresholds[c].threshold ? 1U : 0U} << c;
    }
    scores.add(mixed.test[i].set, said);
    right.push_back(said == mixed.test[i].set);
  }
  return scores;
}

}  // namespace

void run_label_sets(const ExperimentCell& cell, const ExperimentData& data,
                    const ExperimentOptions& options, CellResult& result) {
  const ValueKind values = options.learners.kind(cell.learner, "learner").histogram_values;
  std::vector<double> exact;
  std::vector<double> hamming;
  std::vector<Judgement> right;  // class 0: the set was met exactly
  for (uint32_t repeat = 0; repeat < options.repeats; ++repeat) {
    const uint64_t seed = options.seed + repeat;
    const MixedWindows mixed = mix_windows(cell, data, options, seed);
    if (!mixed.lacks.empty()) {
      result.lacks = mixed.lacks;
      return;
    }
    ExampleSet examples;
    examples.feature_count = cell.spec.length();
    examples.multilabel = true;
    examples.classes = mixed.labels;
    examples.flows.resize(1);
    std::vector<uint32_t> rows[2];
    for (size_t part = 0; part < 2; ++part) {
      for (const auto& window : part == 0 ? mixed.train : mixed.test) {
        rows[part].push_back(static_cast<uint32_t>(examples.size()));
        ExampleInfo info;
        info.label_set = window.set;
        examples.add(info, as_read(values, cell.spec, window.features));
      }
    }
    const auto aside = set_aside(mixed, options.validation, seed, rows[0]);
    std::vector<uint32_t> asked = aside;
    asked.insert(asked.end(), rows[1].begin(), rows[1].end());
    const auto answers =
        fit_and_answer_sets(cell.learner, cell.spec, examples, rows[0], asked, options, seed);
    std::vector<bool> exactly;
    const MultiLabelScores scores = judge_sets(mixed, answers, aside, exactly);
    for (size_t i = 0; i < exactly.size(); ++i) {
      right.push_back({mixed.test[i].group + repeat * 1'000'000, 0, exactly[i] ? 0U : 1U, 1});
    }
    exact.push_back(scores.exact_match());
    hamming.push_back(scores.hamming_loss());
    result.classes = mixed.labels;
    result.train_windows = mixed.train.size();
    result.test_windows = mixed.test.size();
    result.test_groups = mixed.test.empty() ? 0 : mixed.test.back().group + 1;
  }
  const auto interval = bootstrap_intervals(
      {"exact", "not"}, right,
      [](const Confusion& confusion) { return std::vector<double>{confusion.accuracy()}; },
      {1000, 0.95, options.seed});
  result.accuracy = result.balanced = mean_of(exact);
  result.hamming = mean_of(hamming);
  result.deviation = deviation_of(exact);
  result.low = interval[0].low;
  result.high = interval[0].high;
}

}  // namespace flowmark
