#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "feature/live_feature.h"

namespace flowmark {

class WindowPlan;

/// Reads windows of any specification of a plan out, in pieces. One per thread.
class WindowReader {
 public:
  /// For no plan: reads nothing.
  WindowReader() = default;
  /// Reserves the memory for all specifications of the plan.
  explicit WindowReader(const WindowPlan& plan);

  /// What reads this specification; the next steps are about it.
  FeatureReader& of(size_t spec) noexcept { return *(active_ = readers_[spec].get()); }
  /// Works on about so many pixels, or what takes as long. True when `out` (the same in every step)
  /// is complete.
  bool step(uint32_t pieces, SparseWindow& out) noexcept { return active_->step(pieces, out); }

 private:
  std::vector<std::unique_ptr<FeatureReader>> readers_;
  FeatureReader* active_ = nullptr;
};

}  // namespace flowmark
