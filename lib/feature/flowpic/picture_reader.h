#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "feature/live_feature.h"

namespace flowmark {

struct PictureTables;

/// A pixel as a flow keeps it; columns count from the picture's origin.
struct PicturePixel {
  uint32_t column;
  uint16_t row;
  uint16_t count;
};
static_assert(sizeof(PicturePixel) == 8);

/// Turns a picture's pixels, in order of column, into the tensor's order (row, then column), in
/// pieces: a picture of thousands of pixels takes longer than a slice of inference may. It works on
/// a copy, so that packets may go on changing the picture. One per thread; no allocation after
/// reserve().
class PictureReader final : public FeatureReader {
 public:
  static constexpr uint32_t kMaxRows = 4096;

  /// Reserves memory for the largest picture.
  PictureReader();

  /// Starts on a picture: the caller fills the vector that it gets.
  std::vector<PicturePixel>& begin(uint32_t first_column, uint32_t packets,
                                   const PictureTables& tables) noexcept;

  /// Works on about so many pixels. True when `out` (the same in every step, with room for all
  /// pixels) is complete.
  bool step(uint32_t pixels, SparseWindow& out) noexcept override;

 private:
  enum class Phase : uint8_t { count, place, join, value, done };

  std::vector<PicturePixel> pixels_;
  std::array<uint16_t, kMaxRows + 1> next_{};  ///< by row: place of its next pixel
  const PictureTables* tables_ = nullptr;
  uint32_t first_column_ = 0;
  uint32_t packets_ = 0;
  Phase phase_ = Phase::done;
  size_t at_ = 0;
  size_t kept_ = 0;
};

}  // namespace flowmark
