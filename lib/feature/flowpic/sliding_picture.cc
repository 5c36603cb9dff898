#include "feature/flowpic/sliding_picture.h"

#include <algorithm>
#include <limits>

namespace flowmark {
namespace {

constexpr uint32_t kFirstCapacity = 8;
constexpr uint32_t kPatientCapacity = 64;  // not given back
static_assert(SlidingPicture::kMaxPixels * sizeof(PicturePixel) <= BlockPool::kMaxBlock);
static_assert((SlidingPicture::kMaxPixels & (SlidingPicture::kMaxPixels - 1)) == 0);

}  // namespace

PictureTables::PictureTables(const PictureSpec& spec, ValueKind value_kind)
    : window_us(static_cast<uint32_t>(spec.window_us)),
      time_bins(spec.time_bins),
      size_bins(spec.size_bins),
      max_size(spec.max_size),
      values(value_kind),
      row(spec.max_size + 1) {
  for (uint32_t size = 1; size <= max_size; ++size) {
    row[size] = static_cast<uint16_t>((size - 1) * size_bins / max_size);
  }
}

void SlidingPicture::destroy(BlockPool& pool) noexcept {
  pool.release(pixels_, capacity_ * sizeof(Pixel));
  pixels_ = nullptr;
  capacity_ = 0;
}

void SlidingPicture::clear_pixels(BlockPool& pool) noexcept {
  destroy(pool);
  head_ = 0;
  count_ = 0;
  in_newest_column_ = 0;
  packets_ = 0;
}

void SlidingPicture::set_origin(uint64_t time_us) noexcept {
  last_us_ = time_us;
  has_origin_ = true;
}

/// Puts column_ to that of `time_us`; a division is needed only where it is another one.
void SlidingPicture::move_to(uint64_t time_us, const PictureTables& tables) noexcept {
  if (!has_origin_) set_origin(time_us);
  uint64_t ahead = (time_us - last_us_) * tables.time_bins + remainder_;
  last_us_ = time_us;
  if (ahead >= tables.window_us) {
    const uint64_t columns = ahead / tables.window_us;
    ahead %= tables.window_us;
    in_newest_column_ = 0;
    if (columns >= tables.time_bins || column_ + columns >= tables.time_bins) has_slid_ = true;
    if (columns >= tables.time_bins) {
      count_ = 0;
      packets_ = 0;
    }
    column_ += static_cast<uint32_t>(columns);
  }
  remainder_ = static_cast<uint32_t>(ahead);
}

void SlidingPicture::drop_old(uint32_t time_bins, BlockPool& pool) noexcept {
  while (count_ > 0 && column_ - at(0).column >= time_bins) {
    packets_ -= at(0).count;
    head_ = static_cast<uint16_t>((head_ + 1U) & (capacity_ - 1U));
    --count_;
  }
  // A flow that was busy once gives its memory back, in halves.
  if (capacity_ > kPatientCapacity && count_ * 8 <= capacity_) resize(capacity_ / 2U, pool);
}

bool SlidingPicture::resize(uint32_t capacity, BlockPool& pool) noexcept {
  auto* grown = static_cast<Pixel*>(pool.allocate(capacity * sizeof(Pixel)));
  if (grown == nullptr) return false;
  for (uint32_t i = 0; i < count_; ++i) grown[i] = at(i);
  pool.release(pixels_, capacity_ * sizeof(Pixel));
  pixels_ = grown;
  capacity_ = static_cast<uint16_t>(capacity);
  head_ = 0;
  return true;
}

/// The first pixel of the newest column whose row is not smaller, or the place behind the last.
uint32_t SlidingPicture::find_in_newest_column(uint16_t row) const noexcept {
  uint32_t low = count_ - in_newest_column_;
  uint32_t high = count_;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (at(middle).row < row) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

AppendResult SlidingPicture::append(uint64_t time_us, uint16_t size, const PictureTables& tables,
                                    BlockPool& pool) noexcept {
  move_to(time_us, tables);
  if (in_newest_column_ == 0) drop_old(tables.time_bins, pool);
  if (size == 0 || size > tables.max_size) return AppendResult::ok;

  const uint16_t row = tables.row[size];
  const uint32_t place = find_in_newest_column(row);
  // A pixel whose count is at its limit gets a twin before it; PictureReader adds them up.
  if (place < count_ && at(place).row == row &&
      at(place).count < std::numeric_limits<uint16_t>::max()) {
    ++at(place).count;
    ++packets_;
    return AppendResult::ok;
  }
  if (count_ == kMaxPixels) return AppendResult::window_full;
  if (count_ == capacity_ && !resize(capacity_ == 0 ? kFirstCapacity : capacity_ * 2U, pool)) {
    return AppendResult::out_of_memory;
  }
  for (uint32_t i = count_; i > place; --i) at(i) = at(i - 1);
  at(place) = {column_, row, 1};
  ++count_;
  ++in_newest_column_;
  ++packets_;
  return AppendResult::ok;
}

void SlidingPicture::copy_to(PictureReader& reader, const PictureTables& tables) const noexcept {
  const uint32_t first = has_slid_ ? column_ - tables.time_bins + 1 : 0;
  auto& pixels = reader.begin(first, packets_, tables);
  const uint32_t until_end = std::min<uint32_t>(count_, capacity_ - head_);
  pixels.assign(pixels_ + head_, pixels_ + head_ + until_end);
  pixels.insert(pixels.end(), pixels_, pixels_ + (count_ - until_end));
}

}  // namespace flowmark
