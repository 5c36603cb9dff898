#include "feature/flowpic/picture_reader.h"

#include <algorithm>

#include "feature/flowpic/sliding_picture.h"

namespace flowmark {

PictureReader::PictureReader() {
  pixels_.reserve(SlidingPicture::kMaxPixels);
}

std::vector<PicturePixel>& PictureReader::begin(uint32_t first_column, uint32_t packets,
                                                const PictureTables& tables) noexcept {
  tables_ = &tables;
  first_column_ = first_column;
  packets_ = packets;
  std::fill_n(next_.begin(), tables.size_bins + 1, uint16_t{0});
  phase_ = Phase::count;
  at_ = 0;
  kept_ = 0;
  return pixels_;
}

// A stable counting sort by row: the pixels are in order of column already.
bool PictureReader::step(uint32_t pixels, SparseWindow& out) noexcept {
  const size_t end = std::min(pixels_.size(), at_ + pixels);
  switch (phase_) {
    case Phase::count:
      for (; at_ < end; ++at_) ++next_[pixels_[at_].row + 1U];
      if (at_ < pixels_.size()) return false;
      for (uint32_t row = 1; row < tables_->size_bins; ++row) {
        next_[row] = static_cast<uint16_t>(next_[row] + next_[row - 1]);
      }
      out.resize(pixels_.size());
      phase_ = Phase::place;
      at_ = 0;
      return false;
    case Phase::place:
      for (; at_ < end; ++at_) {
        const PicturePixel& pixel = pixels_[at_];
        out[next_[pixel.row]++] = {pixel.row * tables_->time_bins + (pixel.column - first_column_),
                                   static_cast<float>(pixel.count)};
      }
      if (at_ < pixels_.size()) return false;
      phase_ = Phase::join;
      at_ = 0;
      return false;
    case Phase::join:
      for (; at_ < end; ++at_) {  // a pixel whose count was full has twins; they are neighbours now
        if (kept_ > 0 && out[kept_ - 1].index == out[at_].index) {
          out[kept_ - 1].value += out[at_].value;
        } else {
          out[kept_++] = out[at_];
        }
      }
      if (at_ < pixels_.size()) return false;
      out.resize(kept_);
      phase_ = tables_->values == ValueKind::count ? Phase::done : Phase::value;
      at_ = 0;
      return phase_ == Phase::done;
    case Phase::value:
      for (; at_ < std::min(end, kept_); ++at_) {
        out[at_].value =
            feature_value(tables_->values, static_cast<uint32_t>(out[at_].value), packets_);
      }
      if (at_ == kept_) phase_ = Phase::done;
      return phase_ == Phase::done;
    case Phase::done:
      break;
  }
  return true;
}

}  // namespace flowmark
