#include "classify/verdict_condition.h"

#include <algorithm>

namespace flowmark {

bool VerdictCondition::holds(const VerdictView& other, bool is_asked) const noexcept {
  const bool abstains = other.standing == 0;
  const uint32_t classes = abstains && below ? other.likeliest : other.standing;
  if (!other.has_answered || classes == 0) return false;
  if (class_mask != 0 && (class_mask & classes) == 0) return false;
  if (abstains) return !above;
  const float slack = is_asked ? other.hysteresis : 0.0F;
  const bool is_low = !below || other.confidence < *below + std::min(slack, (1.0F - *below) / 2.0F);
  const bool is_high = !above || other.confidence >= *above - std::min(slack, *above / 2.0F);
  return is_low && is_high;
}

}  // namespace flowmark
