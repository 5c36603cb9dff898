#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace flowmark {

/// A grey picture, 8 bits a pixel, white at first; row 0 on top.
class Image {
 public:
  static constexpr uint32_t kMaxSide = 20'000;
  static constexpr uint32_t kTextHeight = 8;
  static constexpr uint32_t kTextWidth = 6;  ///< of a letter

  /// Throws Error if a side is 0 or over kMaxSide.
  Image(uint32_t width, uint32_t height);

  uint32_t width() const noexcept { return width_; }
  uint32_t height() const noexcept { return height_; }
  uint8_t at(uint32_t x, uint32_t y) const { return pixels_.at(size_t{y} * width_ + x); }
  /// Outside the picture nothing is set.
  void set(uint32_t x, uint32_t y, uint8_t grey) noexcept;
  /// Sets the pixel unless it is darker already.
  void darken(uint32_t x, uint32_t y, uint8_t grey) noexcept;
  void fill(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t grey) noexcept;
  /// A frame of one pixel just around the rectangle.
  void frame(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t grey) noexcept;
  /// Letters of 5 x 7 with their upper left corner there; lower case is drawn as capitals, what has
  /// no glyph as a box. Black, each dot a square of `scale` pixels.
  void text(uint32_t x, uint32_t y, std::string_view text, uint32_t scale = 1) noexcept;
  /// The same from bottom to top: the upper left corner of the text as it lies is at the lower left
  /// of the column it takes.
  void text_up(uint32_t x, uint32_t y, std::string_view text, uint32_t scale = 1) noexcept;
  static constexpr uint32_t text_width(std::string_view text, uint32_t scale = 1) noexcept {
    return static_cast<uint32_t>(text.size()) * kTextWidth * scale;
  }

  /// Writes a PNG; the file is replaced by rename. Throws Error.
  void write_png(const std::filesystem::path& path) const;
  /// The same into memory.
  std::string png() const;

 private:
  uint32_t width_;
  uint32_t height_;
  std::vector<uint8_t> pixels_;
};

}  // namespace flowmark
