#include "learn/calibrate.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "learn/softmax.h"

namespace flowmark {
namespace {

/// Every class that occurs has the same sum, all together 1.
std::vector<double> even_weights(std::span<const uint32_t> labels, uint32_t classes) {
  std::vector<double> count(classes, 0);
  for (const uint32_t label : labels) {
    count[label] += 1;
  }
  const auto present = std::count_if(count.begin(), count.end(), [](double n) { return n > 0; });
  std::vector<double> weights;
  for (const uint32_t label : labels) {
    weights.push_back(1 / (count[label] * static_cast<double>(present)));
  }
  return weights;
}

/// The loss at any temperature.
class CalibrationLoss {
 public:
  CalibrationLoss(std::span<const double> scores, std::span<const uint32_t> labels,
                  uint32_t classes)
      : scores_(scores),
        labels_(labels),
        weights_(even_weights(labels, classes)),
        scratch_(classes) {}

  double operator()(double temperature) {
    const size_t classes = scratch_.size();
    const double wrong = 1.0 / (static_cast<double>(labels_.size()) + 2);
    const double other = wrong / static_cast<double>(classes - 1);
    double loss = 0;
    for (size_t i = 0; i < labels_.size(); ++i) {
      double expected = 0;  // the score that the smoothed target expects
      for (uint32_t c = 0; c < classes; ++c) {
        scratch_[c] = scores_[i * classes + c] / temperature;
        expected += scratch_[c] * (c == labels_[i] ? 1 - wrong : other);
      }
      loss += weights_[i] * (softmax(scratch_) - expected);
    }
    return loss;
  }

 private:
  std::span<const double> scores_;
  std::span<const uint32_t> labels_;
  std::vector<double> weights_;
  std::vector<double> scratch_;
};

}  // namespace

Calibration calibrate_scores(std::span<const double> scores, std::span<const uint32_t> labels,
                             uint32_t classes) {
  if (labels.empty()) {
    return {};
  }
  CalibrationLoss loss(scores, labels, classes);
  // The loss is convex in 1 / T, so it has one valley in log T: golden section.
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(1e-3);
  double high = std::log(1e4);
  double left = high - kGolden * (high - low);
  double right = low + kGolden * (high - low);
  double at_left = loss(std::exp(left));
  double at_right = loss(std::exp(right));
  while (high - low > 1e-4) {
    if (at_left <= at_right) {
      high = right;
      right = left;
      at_right = at_left;
      left = high - kGolden * (high - low);
      at_left = loss(std::exp(left));
    } else {
      low = left;
      left = right;
      at_left = at_right;
      right = low + kGolden * (high - low);
      at_right = loss(std::exp(right));
    }
  }
  const double temperature = std::exp(0.5 * (low + high));
  return {temperature, loss(temperature)};
}

std::optional<Abstention> choose_abstention(std::span<const float> probabilities,
                                            std::span<const uint32_t> labels, uint32_t classes,
                                            double accuracy) {
  if (labels.empty()) {
    return std::nullopt;
  }
  const std::vector<double> weights = even_weights(labels, classes);
  std::vector<float> confidence(labels.size());
  std::vector<bool> right(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto answer = probabilities.subspan(i * classes, classes);
    const auto top = std::max_element(answer.begin(), answer.end());
    confidence[i] = *top;
    right[i] = top - answer.begin() == static_cast<ptrdiff_t>(labels[i]);
  }
  std::vector<uint32_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return confidence[a] != confidence[b] ? confidence[a] > confidence[b] : a < b;
  });
  // From the surest answer down; what has the same confidence is answered together.
  Abstention lowest;
  Abstention surest;
  double answered = 0;
  double good = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    answered += weights[order[i]];
    good += right[order[i]] ? weights[order[i]] : 0;
    if (i + 1 < order.size() && confidence[order[i + 1]] == confidence[order[i]]) {
      continue;
    }
    const Abstention here{double{confidence[order[i]]}, good / answered, answered,
                          good / answered >= accuracy};
    if (here.reached) {
      lowest = here;
    }
    if (answered >= 0.5 && here.accuracy > surest.accuracy) {
      surest = here;
    }
  }
  return lowest.reached ? lowest : surest;
}

}  // namespace flowmark
