#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "feature/live_feature.h"
#include "feature/numbers/flow_counts.h"

namespace flowmark {

/// Elements of the tensor: these, then the first sizes, then the first gaps.
inline constexpr uint32_t kTotalNumbers = 13;
inline constexpr std::array<double, 5> kQuantiles = {0.1, 0.25, 0.5, 0.75, 0.9};
inline constexpr uint32_t kQuantileNumbers = 2 * 2 * kQuantiles.size();  // sizes, gaps; up, down
inline constexpr uint32_t kSilenceNumbers = 2 * kSilenceBinsUs.size();
inline constexpr uint32_t kFirstSizes = kTotalNumbers + kQuantileNumbers + kSilenceNumbers;

/// Where a quantile lies on the axis of a small histogram, in bins from its lower end: the bin in
/// which the share of the counts is reached, and how far into it if its packets lie evenly there. 0
/// if nothing was counted.
double quantile_place(std::span<const uint32_t> counts, double share) noexcept;

/// Writes the numbers of a flow, one group of them after the other. Works on a copy of the flow's
/// counts. One per thread.
class NumbersReader final : public FeatureReader {
 public:
  void begin(const FlowCounts& flow, std::span<const StretchCounts> stretches,
             const NumbersTables& tables) noexcept;
  bool step(uint32_t pieces, SparseWindow& out) noexcept override;

 private:
  /// The counts of all stretches together.
  struct Totals {
    uint64_t covered_us = 0;  ///< from the first stretch's beginning to the newest packet
    std::array<uint64_t, 2> bytes{};
    std::array<uint64_t, 2> packets{};
    std::array<uint64_t, 2> pure_acks{};
    std::array<std::array<uint32_t, kQuantileBins>, 2> sizes{};
    std::array<std::array<uint32_t, kQuantileBins>, 2> gaps{};
    std::array<uint64_t, kSilenceBinsUs.size()> bins{};  ///< with packets or without
    std::array<uint64_t, kSilenceBinsUs.size()> occupied{};
    std::array<uint32_t, kSilenceBinsUs.size()> busiest{};

    /// Adds a stretch of which `us` have passed.
    void add(const StretchCounts& stretch, uint64_t us, bool is_over) noexcept;
    uint64_t all_packets() const noexcept { return packets[0] + packets[1]; }
  };
  enum class Group : uint8_t { totals, sizes, gaps, silence, first, done };

  void put(double value, SparseWindow& out) noexcept;
  void put_totals(SparseWindow& out) noexcept;
  void put_quantiles(const std::array<std::array<uint32_t, kQuantileBins>, 2>& counts,
                     SparseWindow& out) noexcept;
  void put_silence(SparseWindow& out) noexcept;
  void put_first(SparseWindow& out) noexcept;
  void put_group(SparseWindow& out) noexcept;

  FlowCounts flow_;
  Totals totals_;
  uint32_t first_ = 0;  ///< packets whose sizes and gaps stand in the tensor
  uint32_t index_ = 0;  ///< of the next element
  Group group_ = Group::done;
};

}  // namespace flowmark
