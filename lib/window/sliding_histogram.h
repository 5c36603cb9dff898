#pragma once

#include <cstdint>

#include "base/block_pool.h"
#include "flow/packet_record.h"
#include "window/bin_counts.h"
#include "window/burst_tracker.h"

namespace flowmark {

/// The ring of a flow's records, as the histograms see it.
struct RecordRing {
  const PacketRecord* records;
  uint32_t capacity;  ///< a power of two
  uint32_t next;      ///< place of the record that is appended next

  /// The record that came `back` before the next one.
  const PacketRecord& operator[](uint32_t back) const noexcept {
    return records[(next - back) & (capacity - 1)];
  }
};

/// The histogram of one spec over a flow's newest packets. A packet adds its bins; a tracker that
/// follows at the window's end takes them out again.
class SlidingHistogram {
 public:
  /// False when the pool is exhausted.
  bool create(const HistogramTables& tables, BlockPool& pool) noexcept;
  void destroy(const HistogramTables& tables, BlockPool& pool) noexcept;

  /// Adds `record`, which goes to `ring` next and is `gap_us` younger than the last. False when the
  /// pool is exhausted: then the window was cut to what fits.
  bool append(const PacketRecord& record, uint32_t gap_us, const RecordRing& ring,
              const HistogramTables& tables, BlockPool& pool) noexcept;

  /// Leaves the newest `packets` in the window.
  void keep_newest(uint32_t packets, const RecordRing& ring,
                   const HistogramTables& tables) noexcept;
  void clear(const HistogramTables& tables) noexcept;

  void features(ValueKind values, const HistogramTables& tables, SparseWindow& out) const noexcept;
  uint32_t packets() const noexcept { return packets_; }

 private:
  void retire_oldest(const RecordRing& ring, const HistogramTables& tables) noexcept;
  void retire_aged(uint32_t gap_us, const RecordRing& ring, const HistogramTables& tables) noexcept;

  BinCounts counts_;
  HistogramTracker newest_;
  HistogramTracker oldest_;
  uint16_t packets_ = 0;
};

}  // namespace flowmark
