#include <algorithm>
#include <cmath>

#include "train/linear_fit.h"
#include "train/softmax.h"

namespace flowmark {
namespace {

/// Scores of rows with their weight, so that trying a temperature costs little.
class ScoredRows {
 public:
  ScoredRows(const LinearFit& fit, const ExampleSet& examples, std::span<const uint32_t> rows)
      : classes_(fit.class_count()), scores_(rows.size() * classes_), scratch_(classes_) {
    std::vector<double> count(classes_, 0);
    for (size_t i = 0; i < rows.size(); ++i) {
      fit.score(examples.row(rows[i]), {scores_.data() + i * classes_, classes_});
      labels_.push_back(examples.info(rows[i]).class_index);
      count[labels_.back()] += 1;
    }
    for (const uint32_t label : labels_) {
      weights_.push_back(1 / count[label]);
    }
    const auto present = std::count_if(count.begin(), count.end(), [](double n) { return n > 0; });
    for (double& weight : weights_) {
      weight /= static_cast<double>(present);
    }
  }

  double loss(double temperature) {
    const double wrong = 1.0 / (static_cast<double>(labels_.size()) + 2);
    const double other = wrong / static_cast<double>(classes_ - 1);
    double loss = 0;
    for (size_t i = 0; i < labels_.size(); ++i) {
      double expected = 0;  // the score that the smoothed target expects
      for (uint32_t c = 0; c < classes_; ++c) {
        scratch_[c] = scores_[i * classes_ + c] / temperature;
        expected += scratch_[c] * (c == labels_[i] ? 1 - wrong : other);
      }
      loss += weights_[i] * (softmax(scratch_) - expected);
    }
    return loss;
  }

 private:
  uint32_t classes_;
  std::vector<double> scores_;
  std::vector<double> scratch_;
  std::vector<uint32_t> labels_;
  std::vector<double> weights_;
};

}  // namespace

Calibration calibrate(const LinearFit& fit, const ExampleSet& examples,
                      std::span<const uint32_t> rows) {
  if (rows.empty()) {
    return {};
  }
  ScoredRows scored(fit, examples, rows);
  // The loss is convex in 1 / T, so it has one valley in log T: golden section.
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(1e-2);
  double high = std::log(1e4);
  double left = high - kGolden * (high - low);
  double right = low + kGolden * (high - low);
  double at_left = scored.loss(std::exp(left));
  double at_right = scored.loss(std::exp(right));
  while (high - low > 1e-4) {
    if (at_left <= at_right) {
      high = right;
      right = left;
      at_right = at_left;
      left = high - kGolden * (high - low);
      at_left = scored.loss(std::exp(left));
    } else {
      low = left;
      left = right;
      at_left = at_right;
      right = low + kGolden * (high - low);
      at_right = scored.loss(std::exp(right));
    }
  }
  const double temperature = std::exp(0.5 * (low + high));
  return {temperature, scored.loss(temperature)};
}

}  // namespace flowmark
