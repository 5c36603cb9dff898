#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/block_pool.h"
#include "feature/histogram/burst_tracker.h"
#include "feature/live_feature.h"

namespace flowmark {

class SlicedReader;

/// The histogram of one spec by seconds alone (HistogramSpec::slices): counts of the slice of time
/// that the newest packet lies in, and of those before it that the window reaches. Slices follow
/// one another from the flow's first packet on. Exact as long as a slice has at most kMostPackets;
/// then its counts are halved, so that its shares stay. All zero when new; the counts lie in a
/// block of the pool from the first packet on.
class SlicedHistogram {
 public:
  static constexpr uint32_t kMostPackets = 65535;

  void destroy(const HistogramTables& tables, BlockPool& pool) noexcept;

  /// Takes records in order, all at times that do not step back. `before_us`: the flow's 64-bit
  /// clock at the record before them.
  AppendResult draw(std::span<const PacketRecord> records, uint64_t before_us,
                    const HistogramTables& tables, BlockPool& pool) noexcept;

  /// Packets in the window.
  uint32_t packets() const noexcept;
  /// Adds the slices up for a reader, which then makes the features of them. Returns packets().
  uint32_t copy_to(SlicedReader& reader, const HistogramTables& tables) const noexcept;

 private:
  bool reserve(uint64_t first_us, const HistogramTables& tables, BlockPool& pool) noexcept;
  void move_to(uint64_t time_us, const HistogramTables& tables) noexcept;
  void count(std::span<const PacketRecord> records, const HistogramTables& tables) noexcept;
  void halve_newest(const HistogramTables& tables) noexcept;
  std::span<uint16_t> counts_of(uint32_t slice, const HistogramTables& tables) const noexcept {
    return {counts_ + size_t{slice} * tables.length, tables.length};
  }

  uint16_t* counts_ = nullptr;  ///< by slice, then by bin
  uint64_t slice_us_ = 0;       ///< where the newest slice begins in the flow's clock
  std::array<uint16_t, HistogramSpec::kMostSlices> packets_{};  ///< by slice
  HistogramTracker tracker_;
  uint8_t newest_ = 0;  ///< the newest slice
};

}  // namespace flowmark
