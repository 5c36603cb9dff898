#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "evaluate/confusion.h"

namespace flowmark {

/// One answer that was judged.
struct Judgement {
  uint32_t group = 0;  ///< what is drawn together in a bootstrap: flow, session, capture
  uint32_t truth = 0;  ///< class
  uint32_t answer = 0;
  float confidence = 0;  ///< the probability of `answer`
};

Confusion confusion_of(const std::vector<std::string>& classes,
                       std::span<const Judgement> judgements);

/// A bootstrap interval of a figure.
struct Interval {
  double low = 0;
  double high = 0;

  /// [low, high]
  nlohmann::ordered_json to_json() const;
  /// "91.20 to 93.45%"
  std::string to_text() const;
};

/// The percentile interval of a figure's replicates, of which there is one at least.
Interval percentile_interval(std::vector<double> sample, double level);

struct BootstrapOptions {
  uint32_t replicates = 1000;  ///< 0: no intervals
  double level = 0.95;
  uint64_t seed = 1;
};

/// Figures that follow from who was taken for whom.
using Statistics = std::function<std::vector<double>(const Confusion&)>;

/// Percentile intervals (Efron 1979) of the figures: as many groups as there are, drawn with
/// replacement, each with all its judgements, because those of one flow or recording resemble each
/// other. With one group only there is no spread to be seen: the interval is the point. In
/// parallel; the same for a seed on any number of threads. Throws Error: no judgements, replicates
/// below 1 or over 100000, a level outside (0, 1).
std::vector<Interval> bootstrap_intervals(const std::vector<std::string>& classes,
                                          std::span<const Judgement> judgements,
                                          const Statistics& statistics,
                                          const BootstrapOptions& options);

/// Accuracy, balanced accuracy and each class's precision, recall and F1 with their intervals.
struct ConfidentScores {
  uint32_t groups = 0;
  Interval accuracy;
  Interval balanced_accuracy;
  struct OfClass {
    Interval precision;
    Interval recall;
    Interval f1;
  };
  std::vector<OfClass> classes;

  /// {"groups", "accuracy": [low, high], ..., "classes": {name: {precision, recall, f1}}}
  nlohmann::ordered_json to_json(const std::vector<std::string>& names) const;
};
ConfidentScores confident_scores(const std::vector<std::string>& classes,
                                 std::span<const Judgement> judgements,
                                 const BootstrapOptions& options);

}  // namespace flowmark
