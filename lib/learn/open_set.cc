#include "learn/open_set.h"

#include <algorithm>

#include "evaluate/mean.h"

namespace flowmark {
namespace {

float threshold_of(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return static_cast<float>(quantile_of(values, 1 - share));
}

}  // namespace

std::vector<float> choose_most_disagreement(std::span<const uint32_t> answers,
                                            std::span<const float> disagreements, uint32_t classes,
                                            double share) {
  if (answers.empty()) return {};
  const float of_all = threshold_of({disagreements.begin(), disagreements.end()}, share);
  std::vector<float> thresholds;
  for (uint32_t c = 0; c < classes; ++c) {
    std::vector<double> called;
    for (size_t i = 0; i < answers.size(); ++i) {
      if (answers[i] == c) called.push_back(double{disagreements[i]});
    }
    thresholds.push_back(called.empty() ? of_all : threshold_of(std::move(called), share));
  }
  return thresholds;
}

}  // namespace flowmark
