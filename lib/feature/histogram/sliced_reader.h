#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "feature/histogram/burst_tracker.h"
#include "feature/live_feature.h"

namespace flowmark {

/// Writes the bins of a histogram by seconds out, in pieces, from the sums that it was given. One
/// per thread.
class SlicedReader final : public FeatureReader {
 public:
  /// `length`: of the histograms.
  explicit SlicedReader(uint32_t length) : sums_(length) {}

  /// Starts on a window of so many packets: the caller adds to the bins that it gets, all 0.
  std::span<uint32_t> begin(uint32_t packets, const HistogramTables& tables) noexcept;
  bool step(uint32_t pieces, SparseWindow& out) noexcept override;

 private:
  std::vector<uint32_t> sums_;  ///< by bin
  const HistogramTables* tables_ = nullptr;
  uint32_t packets_ = 0;
  uint32_t at_ = 0;  ///< bin
};

}  // namespace flowmark
