#include "evaluate/bootstrap.h"

#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "evaluate/mean.h"

namespace flowmark {
namespace {

/// What a group adds to the confusion matrix.
struct Part {
  uint32_t truth = 0;
  uint32_t answer = 0;
  uint64_t times = 0;
};

std::vector<std::vector<Part>> parts_by_group(std::span<const Judgement> judgements) {
  std::map<uint32_t, std::map<std::pair<uint32_t, uint32_t>, uint64_t>> counts;
  for (const Judgement& one : judgements) {
    ++counts[one.group][{one.truth, one.answer}];
  }
  std::vector<std::vector<Part>> groups;
  for (const auto& [group, cells] : counts) {
    auto& parts = groups.emplace_back();
    for (const auto& [cell, times] : cells) {
      parts.push_back({cell.first, cell.second, times});
    }
  }
  return groups;
}

std::vector<double> all_scores(const Confusion& confusion) {
  std::vector<double> scores{confusion.accuracy(), confusion.balanced_accuracy()};
  for (size_t c = 0; c < confusion.classes().size(); ++c) {
    scores.insert(scores.end(), {confusion.precision(c), confusion.recall(c), confusion.f1(c)});
  }
  return scores;
}

}  // namespace

nlohmann::ordered_json Interval::to_json() const {
  return {low, high};
}

std::string Interval::to_text() const {
  return fmt::format("{:.2f} to {:.2f}%", 100 * low, 100 * high);
}

Interval percentile_interval(std::vector<double> sample, double level) {
  std::sort(sample.begin(), sample.end());
  const double tail = (1 - level) / 2;
  return {quantile_of(sample, tail), quantile_of(sample, 1 - tail)};
}

Confusion confusion_of(const std::vector<std::string>& classes,
                       std::span<const Judgement> judgements) {
  Confusion confusion(classes);
  for (const Judgement& one : judgements) {
    confusion.add(one.truth, one.answer);
  }
  return confusion;
}

std::vector<Interval> bootstrap_intervals(const std::vector<std::string>& classes,
                                          std::span<const Judgement> judgements,
                                          const Statistics& statistics,
                                          const BootstrapOptions& options) {
  if (options.replicates < 1 || options.replicates > 100'000) {
    fail("{} bootstrap replicates: must be 1 to 100000", options.replicates);
  }
  if (!(options.level > 0 && options.level < 1)) {
    fail("bootstrap level {}: must be between 0 and 1", options.level);
  }
  if (judgements.empty()) {
    fail("nothing was judged: no interval can be given");
  }
  const auto groups = parts_by_group(judgements);
  std::vector<std::vector<double>> drawn(options.replicates);
  tbb::parallel_for(uint32_t{0}, options.replicates, [&](uint32_t replicate) {
    std::seed_seq seed{static_cast<uint32_t>(options.seed),
                       static_cast<uint32_t>(options.seed >> 32), replicate};
    std::mt19937_64 random(seed);
    Confusion confusion(classes);
    for (size_t i = 0; i < groups.size(); ++i) {
      for (const Part& part : groups[random() % groups.size()]) {
        confusion.add(part.truth, part.answer, part.times);
      }
    }
    drawn[replicate] = statistics(confusion);
  });
  std::vector<Interval> intervals(drawn.front().size());
  std::vector<double> figure(drawn.size());
  for (size_t s = 0; s < intervals.size(); ++s) {
    std::transform(drawn.begin(), drawn.end(), figure.begin(),
                   [s](const std::vector<double>& figures) { return figures.at(s); });
    intervals[s] = percentile_interval(figure, options.level);
  }
  return intervals;
}

ConfidentScores confident_scores(const std::vector<std::string>& classes,
                                 std::span<const Judgement> judgements,
                                 const BootstrapOptions& options) {
  const std::vector<Interval> all = bootstrap_intervals(classes, judgements, all_scores, options);
  ConfidentScores scores;
  std::vector<uint32_t> groups;
  for (const Judgement& one : judgements) {
    groups.push_back(one.group);
  }
  std::sort(groups.begin(), groups.end());
  scores.groups = static_cast<uint32_t>(std::unique(groups.begin(), groups.end()) - groups.begin());
  scores.accuracy = all[0];
  scores.balanced_accuracy = all[1];
  for (size_t i = 2; i + 2 < all.size(); i += 3) {
    scores.classes.push_back({all[i], all[i + 1], all[i + 2]});
  }
  return scores;
}

nlohmann::ordered_json ConfidentScores::to_json(const std::vector<std::string>& names) const {
  nlohmann::ordered_json out;
  out["groups"] = groups;
  out["accuracy"] = accuracy.to_json();
  out["balanced_accuracy"] = balanced_accuracy.to_json();
  for (size_t c = 0; c < classes.size(); ++c) {
    out["classes"][names[c]] = {{"precision", classes[c].precision.to_json()},
                                {"recall", classes[c].recall.to_json()},
                                {"f1", classes[c].f1.to_json()}};
  }
  return out;
}

}  // namespace flowmark
