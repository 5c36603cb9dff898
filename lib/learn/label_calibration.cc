#include "learn/label_calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "learn/lbfgs.h"

namespace flowmark {
namespace {

bool has(uint64_t set, uint32_t label) noexcept {
  return (set >> label & 1) != 0;
}

/// log(1 + exp(x)) without overflow.
double softplus(double x) noexcept {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

struct Fitted {
  LabelScale scale;
  double gain = 0;  ///< of cross entropy, over all rows
};

/// One label's regression. Scores are at most about 1 apart, so plain L-BFGS is at home.
Fitted fit_label(std::span<const double> scores, std::span<const uint64_t> sets, uint32_t labels,
                 uint32_t label, double yes, double least) {
  const auto rows = static_cast<double>(sets.size());
  const double target_yes = (yes + 1) / (yes + 2);
  const double target_no = 1 / (rows - yes + 2);
  const Objective loss = [&](std::span<const double> x, std::span<double> gradient) {
    double sum = 0;
    gradient[0] = gradient[1] = 0;
    for (size_t i = 0; i < sets.size(); ++i) {
      const double score = scores[i * labels + label];
      const double target = has(sets[i], label) ? target_yes : target_no;
      const double z = x[0] * score + x[1];
      sum += softplus(z) - target * z;
      const double error = 1 / (1 + std::exp(-z)) - target;
      gradient[0] += error * score;
      gradient[1] += error;
    }
    return sum;
  };
  std::vector<double> x{1, 0};
  minimise_lbfgs(loss, x, {});
  Fitted fitted{{x[0], x[1]}, 0};
  for (size_t i = 0; i < sets.size(); ++i) {
    const double score = std::clamp(scores[i * labels + label], least, 1 - least);
    const double z = x[0] * scores[i * labels + label] + x[1];
    const bool is = has(sets[i], label);
    fitted.gain += -std::log(is ? score : 1 - score) - softplus(is ? -z : z);
  }
  return fitted;
}

struct Ranked {
  float probability;
  bool is;
};

LabelThreshold choose(std::vector<Ranked>& rows, double accuracy) {
  std::sort(rows.begin(), rows.end(),
            [](const Ranked& a, const Ranked& b) { return a.probability > b.probability; });
  const auto yes = static_cast<double>(
      std::count_if(rows.begin(), rows.end(), [](const Ranked& row) { return row.is; }));
  LabelThreshold best;
  double wrong_at_half = 0;
  for (const Ranked& row : rows) {
    wrong_at_half += (row.probability > 0.5F) != row.is ? 1 : 0;
  }
  double least_wrong = wrong_at_half;
  double said = 0;
  double right = 0;
  for (size_t i = 0; i <= rows.size(); ++i) {
    const bool between =
        i == 0 || i == rows.size() || rows[i].probability < rows[i - 1].probability;
    if (between) {
      const double above = i == 0 ? 1 : double{rows[i - 1].probability};
      const double below = i == rows.size() ? 0 : double{rows[i].probability};
      const double cut = (above + below) / 2;
      const double wrong = said - right + yes - right;
      if (wrong < least_wrong || (wrong == least_wrong && wrong < wrong_at_half &&
                                  std::fabs(cut - 0.5) < std::fabs(best.threshold - 0.5))) {
        least_wrong = wrong;
        best.threshold = cut;
      }
      if (said > 0 && right >= accuracy * said) {
        best.sure = cut;
        best.found = yes > 0 ? right / yes : 0;
      }
    }
    if (i < rows.size()) {
      said += 1;
      right += rows[i].is ? 1 : 0;
    }
  }
  return best;
}

}  // namespace

double LabelScale::probability(double score) const noexcept {
  return 1 / (1 + std::exp(-(slope * score + offset)));
}

std::vector<LabelScale> scale_labels(std::span<const double> scores, std::span<const uint64_t> sets,
                                     uint32_t labels, double least) {
  std::vector<LabelScale> scales;
  double gain = 0;
  for (uint32_t c = 0; c < labels; ++c) {
    const auto yes =
        std::count_if(sets.begin(), sets.end(), [c](uint64_t set) { return has(set, c); });
    if (yes == 0 || yes == static_cast<std::ptrdiff_t>(sets.size())) {
      return {};
    }
    const Fitted fitted = fit_label(scores, sets, labels, c, static_cast<double>(yes), least);
    scales.push_back(fitted.scale);
    gain += fitted.gain;
  }
  return gain > 0 ? scales : std::vector<LabelScale>{};
}

std::vector<LabelThreshold> choose_thresholds(std::span<const float> probabilities,
                                              std::span<const uint64_t> sets, uint32_t labels,
                                              double accuracy) {
  std::vector<LabelThreshold> thresholds;
  for (uint32_t c = 0; c < labels; ++c) {
    std::vector<Ranked> rows;
    for (size_t i = 0; i < sets.size(); ++i) {
      rows.push_back({probabilities[i * labels + c], has(sets[i], c)});
    }
    thresholds.push_back(choose(rows, accuracy));
  }
  return thresholds;
}

}  // namespace flowmark
