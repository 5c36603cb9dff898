#include "feature/log_bins.h"

#include <algorithm>
#include <cmath>

namespace flowmark {
namespace {

uint64_t smallest_of(uint32_t slot) noexcept {
  return slot < 8 ? slot : uint64_t{8 + slot % 8} << (slot / 8 - 1);
}

}  // namespace

LogBins::LogBins(const LogAxis& axis) {
  for (uint32_t i = 1; i < axis.bins; ++i) {
    const double share = static_cast<double>(i) / axis.bins;
    const double edge = axis.min * std::pow(axis.max / axis.min, share) * (1 - 1e-12);
    edges_.push_back(static_cast<uint32_t>(std::ceil(edge)));
  }
  for (uint32_t i = 0; i < kSlots; ++i) {
    const uint64_t smallest = smallest_of(i);
    const auto next = std::upper_bound(edges_.begin(), edges_.end(), smallest);
    slots_[i].first = static_cast<uint32_t>(next - edges_.begin());
    slots_[i].below_edge = next == edges_.end() ? UINT32_MAX : *next - 1;
    has_fine_bins_ |=
        next != edges_.end() && next + 1 != edges_.end() && next[1] < smallest_of(i + 1);
  }
}

}  // namespace flowmark
