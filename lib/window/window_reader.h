#pragma once

#include <array>
#include <cstdint>

#include "window/picture_reader.h"
#include "window/sliding_histogram.h"

namespace flowmark {

/// Counts a histogram's window in pieces: a thousand packets take longer than a slice of inference
/// may. Works on a copy of the records, so that packets may go on coming.
class HistogramReader {
 public:
  static constexpr uint32_t kMaxRecords = 1024;
  static constexpr uint32_t kArrayLength = 4096;  ///< longer histograms are counted by sorting
  static constexpr uint32_t kMostBins = 2 * kMaxRecords + 1;

  /// Starts on the newest `packets` records; `tracker` is as before the ring's oldest one.
  void begin(const HistogramTracker& tracker, uint32_t packets, const RecordRing& ring,
             const HistogramTables& tables) noexcept;

  /// Works on about so many records. True when `out` (the same in every step) is complete.
  bool step(uint32_t records, ValueKind values, SparseWindow& out) noexcept;

 private:
  void add(uint32_t bin) noexcept;
  void write(SparseWindow& out) noexcept;

  std::array<PacketRecord, kMaxRecords> records_;
  std::array<uint16_t, kArrayLength> bins_;  ///< counts by bin, or the bins one after the other
  HistogramTracker tracker_;
  const HistogramTables* tables_ = nullptr;
  uint32_t packets_ = 0;
  uint32_t count_ = 0;   ///< records copied
  uint32_t before_ = 0;  ///< of them before the window
  uint32_t at_ = 0;
  uint32_t used_ = 0;  ///< bins listed
  bool written_ = false;
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
