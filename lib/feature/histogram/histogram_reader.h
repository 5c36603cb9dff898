#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "feature/histogram/sliding_histogram.h"
#include "feature/live_feature.h"

namespace flowmark {

/// Counts a histogram's window in pieces: a thousand packets take longer than a slice of inference
/// may. Works on a copy of the records, so that packets may go on coming. One per thread.
class HistogramReader final : public FeatureReader {
 public:
  static constexpr uint32_t kMaxRecords = 1024;

  /// `length`: of the histograms.
  explicit HistogramReader(uint32_t length)
      : counts_((size_t{length} + kBlock - 1) / kBlock * kBlock, 0) {}

  /// Starts on the newest `packets` records, or those of them that the window's limit in time
  /// leaves; `tracker` is as before the ring's oldest one. Returns the packets in the window.
  uint32_t begin(const HistogramTracker& tracker, uint32_t packets, const RecordRing& ring,
                 const HistogramTables& tables) noexcept;

  bool step(uint32_t pieces, SparseWindow& out) noexcept override;

 private:
  enum class Phase : uint8_t { count, write, done };
  static constexpr uint32_t kBlock = 16;  ///< bins looked at together: most are empty

  void count(uint32_t records) noexcept;
  void write(uint64_t bins, SparseWindow& out) noexcept;

  std::array<PacketRecord, kMaxRecords> records_;
  std::vector<uint16_t> counts_;  ///< by bin; all 0 between windows
  HistogramTracker tracker_;
  const HistogramTables* tables_ = nullptr;
  uint32_t packets_ = 0;
  uint32_t count_ = 0;   ///< records copied
  uint32_t before_ = 0;  ///< of them before the window
  uint32_t at_ = 0;      ///< record or bin
  Phase phase_ = Phase::done;
};

}  // namespace flowmark
