#include "mark/ef_guard.h"

#include <algorithm>

namespace flowmark {

bool EfGuard::admit(uint32_t bytes, TimeUs now_us) noexcept {
  if (rate_ == 0) return true;
  if (now_us > filled_us_) {
    // Longer than the burst takes to fill is as good as forever, and cannot overflow.
    const auto elapsed = static_cast<uint64_t>(std::min(now_us - filled_us_, kUsPerSecond));
    const uint64_t earned = rate_ * elapsed / static_cast<uint64_t>(kUsPerSecond);
    if (earned > 0) {  // do not lose fractions at low rates
      tokens_ = std::min(burst_, tokens_ + earned);
      filled_us_ = now_us;
    }
  }
  if (tokens_ < bytes) return false;
  tokens_ -= bytes;
  return true;
}

}  // namespace flowmark
