#include "feature/log_bins.h"

#include <algorithm>
#include <cmath>

namespace flowmark {

LogBins::LogBins(const LogAxis& axis) {
  for (uint32_t i = 1; i < axis.bins; ++i) {
    const double share = static_cast<double>(i) / axis.bins;
    const double edge = axis.min * std::pow(axis.max / axis.min, share) * (1 - 1e-12);
    edges_.push_back(static_cast<uint32_t>(std::ceil(edge)));
  }
  for (uint32_t i = 0; i < kSlots; ++i) {
    const uint32_t smallest = i < 8 ? i : (8 + i % 8) << (i / 8 - 1);
    const auto reached = std::upper_bound(edges_.begin(), edges_.end(), smallest);
    first_[i] = static_cast<uint8_t>(reached - edges_.begin());
  }
  first_[kSlots] = static_cast<uint8_t>(edges_.size());
}

}  // namespace flowmark
