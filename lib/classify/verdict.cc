#include "classify/verdict.h"

#include <algorithm>
#include <cmath>

namespace flowmark {

bool is_finite(std::span<const float> scores) noexcept {
  return std::ranges::all_of(scores, [](float score) { return std::isfinite(score); });
}

uint8_t best_class(std::span<const float> voted) noexcept {
  return static_cast<uint8_t>(std::max_element(voted.begin(), voted.end()) - voted.begin());
}

namespace {

void average(VerdictState& state, std::span<float> voted, std::span<const float> window,
             bool provisional, const VerdictPolicy& policy) noexcept {
  if (state.windows < UINT16_MAX) ++state.windows;
  const uint32_t voters = std::clamp<uint32_t>(state.windows, 1, std::max(1U, policy.votes));
  const float weight = std::max(1.0F / static_cast<float>(voters), provisional ? 0.5F : 0.0F);
  for (size_t c = 0; c < voted.size(); ++c) voted[c] += weight * (window[c] - voted[c]);
  if (!provisional) state.settled = true;
}

}  // namespace

VerdictChange vote(VerdictState& state, std::span<float> voted, std::span<const float> window,
                   bool provisional, const VerdictPolicy& policy) noexcept {
  if (!is_finite(window)) return VerdictChange::none;
  average(state, voted, window, provisional, policy);
  const uint8_t best = best_class(voted);
  if (state.class_index == kNoClass) {
    const bool has_votes = voted[best] > 0;
    if (!has_votes || voted[best] < policy.confidence) return VerdictChange::none;
    state.class_index = best;
    return VerdictChange::given;
  }
  const float standing = voted[state.class_index];
  if (best != state.class_index && voted[best] >= policy.confidence &&
      voted[best] - standing >= policy.hysteresis) {
    state.class_index = best;
    return VerdictChange::changed;
  }
  if (standing <= 0 || standing < policy.confidence - policy.hysteresis) {
    state.class_index = kNoClass;
    return VerdictChange::abstained;
  }
  return VerdictChange::none;
}

VerdictChange vote_labels(VerdictState& state, uint32_t& labels, std::span<float> voted,
                          std::span<const float> window, bool provisional,
                          std::span<const float> thresholds, const VerdictPolicy& policy) noexcept {
  if (!is_finite(window)) return VerdictChange::none;
  average(state, voted, window, provisional, policy);
  const uint32_t before = labels;
  labels = 0;
  uint8_t surest = kNoClass;
  for (uint8_t c = 0; c < voted.size(); ++c) {
    const bool stood = (before >> c & 1) != 0;
    const float least =
        stood ? thresholds[c] - std::min(policy.hysteresis, thresholds[c] / 2) : thresholds[c];
    if (!(voted[c] > least)) continue;
    labels |= uint32_t{1} << c;
    if (surest == kNoClass || voted[c] > voted[surest]) surest = c;
  }
  const bool stays = state.class_index != kNoClass && (labels >> state.class_index & 1) != 0;
  if (!stays) state.class_index = surest;
  if (labels == before) return VerdictChange::none;
  return before == 0   ? VerdictChange::given
         : labels == 0 ? VerdictChange::abstained
                       : VerdictChange::changed;
}

}  // namespace flowmark
