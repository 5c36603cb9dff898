#pragma once

#include <cstdint>
#include <span>

#include "feature/histogram/burst_tracker.h"
#include "flow/record_ring.h"

namespace flowmark {

class HistogramReader;

/// Of the newest `packets`, those that the limit in time leaves in the window.
uint32_t packets_within(const RecordRing& ring, uint32_t packets,
                        const HistogramTables& tables) noexcept;

/// The histogram of one spec over a flow's newest packets. A packet only lengthens the window; the
/// histogram is counted from the ring's records when it is asked for (docs/adr/
/// 0004-lazy-windows.md). Kept between packets: how long the window is, and what a tracker knows
/// of the packets that have left the ring.
class SlidingHistogram {
 public:
  /// `count` records were added to the ring, which now holds `held`.
  void added(uint32_t count, uint32_t held, const HistogramTables& tables) noexcept;
  /// These records leave the ring, the oldest first.
  void leave(std::span<const PacketRecord> records, const HistogramTables& tables) noexcept;

  /// Leaves the newest `packets` in the window.
  void keep_newest(uint32_t packets) noexcept;

  /// Hands the window's records to a reader, which then makes the features of them. Returns their
  /// number.
  uint32_t copy_to(HistogramReader& reader, const RecordRing& ring,
                   const HistogramTables& tables) const noexcept;
  uint32_t packets(const RecordRing& ring, const HistogramTables& tables) const noexcept;

 private:
  HistogramTracker oldest_;  ///< as it stood before the ring's oldest record
  uint16_t packets_ = 0;     ///< in the window; its limit in time shortens it when it is read
};

}  // namespace flowmark
