#pragma once

#include <cstdint>
#include <vector>

#include "base/block_pool.h"
#include "feature/flowpic/flowpic.h"
#include "feature/flowpic/picture_reader.h"
#include "feature/live_feature.h"

namespace flowmark {

/// The tables of a picture spec.
struct PictureTables {
  PictureTables(const PictureSpec& spec, ValueKind value_kind);

  uint32_t window_us;
  uint32_t time_bins;
  uint32_t size_bins;
  uint32_t max_size;
  ValueKind values;
  std::vector<uint16_t> row;  ///< by packet size 1..max_size
};

/// One direction's picture of the newest packets. Its origin is the direction's first packet; it
/// slides by whole columns, so that the picture at time t shows columns (c - time_bins, c] with c
/// the column of the newest packet; until c reaches time_bins, columns [0, time_bins). Sparse:
/// pixels in order of column, then row, in a ring that grows and shrinks. Columns are counted from
/// the origin with the remainder kept, so that they are exact for ever (the numbers wrap, their
/// differences do not). All zero when new.
class SlidingPicture {
 public:
  /// A picture takes no more pixels than this; packets that need another one are left out.
  static constexpr uint32_t kMaxPixels = 8192;

  void destroy(BlockPool& pool) noexcept;

  /// Sets column 0's beginning in the flow's 64-bit clock; else the first packet does.
  void set_origin(uint64_t time_us) noexcept;

  /// Adds a packet, not earlier than the last.
  AppendResult append(uint64_t time_us, uint16_t size, const PictureTables& tables,
                      BlockPool& pool) noexcept;

  /// Drops the pixels, keeps the columns.
  void clear_pixels(BlockPool& pool) noexcept;

  /// Copies the pixels for a reader, which then makes the features of them.
  void copy_to(PictureReader& reader, const PictureTables& tables) const noexcept;
  uint32_t packets() const noexcept { return packets_; }
  uint32_t pixels() const noexcept { return count_; }

 private:
  using Pixel = PicturePixel;

  Pixel& at(uint32_t i) const noexcept { return pixels_[(head_ + i) & (capacity_ - 1U)]; }
  void move_to(uint64_t time_us, const PictureTables& tables) noexcept;
  void drop_old(uint32_t time_bins, BlockPool& pool) noexcept;
  bool resize(uint32_t capacity, BlockPool& pool) noexcept;
  uint32_t find_in_newest_column(uint16_t row) const noexcept;

  Pixel* pixels_ = nullptr;
  uint64_t last_us_ = 0;
  uint32_t column_ = 0;     ///< of the newest packet
  uint32_t remainder_ = 0;  ///< (time - origin) * time_bins - column * window
  uint32_t packets_ = 0;    ///< in the pixels
  uint16_t head_ = 0;
  uint16_t count_ = 0;
  uint16_t capacity_ = 0;
  uint16_t in_newest_column_ = 0;  ///< pixels, at the end
  bool has_origin_ = false;
  bool has_slid_ = false;  ///< column 0 has left the picture
};

}  // namespace flowmark
