#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace flowmark {

/// Turns scores into probabilities in place; returns log(sum(exp(scores))).
inline double softmax(std::span<double> scores) {
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) {
    score = std::exp(score - top);
    sum += score;
  }
  for (double& score : scores) {
    score /= sum;
  }
  return top + std::log(sum);
}

}  // namespace flowmark
