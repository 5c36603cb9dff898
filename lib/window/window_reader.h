#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "window/picture_reader.h"
#include "window/sliding_histogram.h"

namespace flowmark {

/// Counts a histogram's window in pieces: a thousand packets take longer than a slice of inference
/// may. Works on a copy of the records, so that packets may go on coming. One per thread.
class HistogramReader {
 public:
  static constexpr uint32_t kMaxRecords = 1024;

  HistogramReader() : counts_(kMaxLength, 0) {}

  /// Starts on the newest `packets` records, or those of them that the window's limit in time
  /// leaves; `tracker` is as before the ring's oldest one. Returns the packets in the window.
  uint32_t begin(const HistogramTracker& tracker, uint32_t packets, const RecordRing& ring,
                 const HistogramTables& tables) noexcept;

  /// Works on about so many records. True when `out` (the same in every step) is complete.
  bool step(uint32_t records, ValueKind values, SparseWindow& out) noexcept;

 private:
  enum class Phase : uint8_t { count, write, done };
  static constexpr uint32_t kMaxLength = 1u << 16;
  static constexpr uint32_t kBlock = 16;  ///< bins looked at together: most are empty

  void count(uint32_t records) noexcept;
  void write(uint64_t bins, ValueKind values, SparseWindow& out) noexcept;

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

/// Reads out a window of either kind.
struct WindowReader {
  PictureReader picture;
  HistogramReader histogram;
  bool is_picture = false;

  bool step(uint32_t pieces, ValueKind values, SparseWindow& out) noexcept {
    // A record takes about as long as four pixels.
    return is_picture ? picture.step(pieces, values, out) : histogram.step(pieces / 4, values, out);
  }
};

}  // namespace flowmark
