#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flowmark {

/// A score s of a label becomes the probability 1 / (1 + exp(-(slope s + offset))).
struct LabelScale {
  double slope = 1;
  double offset = 0;

  double probability(double score) const noexcept;
};

/// Scales scores [row][label] of sets of labels so that their probabilities are right on average:
/// logistic regression on each label's score, with Platt's smoothed targets (Platt,
/// "Probabilistic Outputs for Support Vector Machines", 1999; of forests: Niculescu-Mizil & Caruana
/// 2005). Empty where a label is on every row or on none, or where the probabilities would not be
/// nearer to the truth (mean cross entropy) than the scores are as they stand. `least`: what a
/// score of 0 counts as in that comparison, and 1 - least one of 1.
std::vector<LabelScale> scale_labels(std::span<const double> scores, std::span<const uint64_t> sets,
                                     uint32_t labels, double least);

/// From which probability on a label counts.
struct LabelThreshold {
  /// Above it a label is said to be there: fewest wrong answers, nearest to 1/2 of several.
  double threshold = 0.5;
  /// Above it `accuracy` of those who are said to have the label have it; 1 if nothing reaches it.
  double sure = 1;
  double found = 0;  ///< share of those that have the label with a probability above `sure`
};

/// Chooses each label's thresholds on rows not trained on. `probabilities` [row][label].
std::vector<LabelThreshold> choose_thresholds(std::span<const float> probabilities,
                                              std::span<const uint64_t> sets, uint32_t labels,
                                              double accuracy);

}  // namespace flowmark
