#include "model/engine/forest/shares.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace flowmark {
namespace {

/// Relative: shares are rounded one by one.
constexpr float kSumTolerance = 1e-3F;

float sum_of(std::span<const float> values) noexcept {
  return std::accumulate(values.begin(), values.end(), 0.0F);
}

}  // namespace

bool leaves_are_shares(const ForestPlan& plan) noexcept {
  if (plan.scores < 2 || plan.output.pair != OutputRule::Pair::no ||
      plan.output.transform == OutputRule::Transform::logistic || plan.leaves.empty()) {
    return false;
  }
  if (std::ranges::any_of(plan.base, [](float added) { return added != 0; })) return false;
  const std::span<const float> leaves = plan.leaves;
  const float sum = sum_of(leaves.first(plan.scores));
  if (!(sum > 0 && std::isfinite(sum))) return false;
  for (size_t at = 0; at < leaves.size(); at += plan.scores) {
    const auto row = leaves.subspan(at, plan.scores);
    if (std::ranges::any_of(row, [](float share) { return share < 0; })) return false;
    if (!(std::fabs(sum_of(row) - sum) <= kSumTolerance * sum)) return false;
  }
  return true;
}

// Of shares s with the sum S: -sum(s / S ln(s / S)) = ln S - sum(s ln s) / S.
float entropy_of_shares(std::span<const float> shares) noexcept {
  float sum = 0;
  float weighted = 0;
  for (const float share : shares) {
    if (!(share > 0)) continue;
    sum += share;
    weighted += share * std::log(share);
  }
  return sum > 0 ? std::log(sum) - weighted / sum : 0;
}

AlignedVector<float> with_entropies(std::span<const float> leaves, uint32_t scores) {
  AlignedVector<float> wide;
  wide.reserve(leaves.size() / scores * (scores + 1));
  for (size_t at = 0; at < leaves.size(); at += scores) {
    const auto row = leaves.subspan(at, scores);
    wide.insert(wide.end(), row.begin(), row.end());
    wide.push_back(entropy_of_shares(row));
  }
  return wide;
}

}  // namespace flowmark
