#pragma once

#include <cairo.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace flowmark {

struct CairoDestroy {
  void operator()(cairo_surface_t* surface) const noexcept { cairo_surface_destroy(surface); }
  void operator()(cairo_t* context) const noexcept { cairo_destroy(context); }
};
using CairoSurface = std::unique_ptr<cairo_surface_t, CairoDestroy>;
using CairoContext = std::unique_ptr<cairo_t, CairoDestroy>;

/// A grey picture, 8 bits a pixel, white at first; row 0 on top. Drawn by Cairo, whose names occur
/// in this pair of files only. What lies outside the picture is not drawn.
class Canvas {
 public:
  static constexpr uint32_t kMaxSide = 20'000;

  /// Throws Error if a side is 0 or over kMaxSide.
  Canvas(uint32_t width, uint32_t height);

  uint32_t width() const noexcept { return width_; }
  uint32_t height() const noexcept { return height_; }
  /// 0 is black, 255 white. Throws Error outside the picture.
  uint8_t at(uint32_t x, uint32_t y) const;

  void fill(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t grey);
  /// A frame of one pixel just around the rectangle.
  void frame(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t grey);
  /// A matrix of greys with its upper left corner there, row by row from the top, each cell a
  /// square of `enlarge` pixels with sharp edges.
  void cells(uint32_t x, uint32_t y, std::span<const uint8_t> greys, uint32_t columns,
             uint32_t enlarge);

  /// Room that a line of text takes; the height is the same for all texts.
  struct TextSize {
    uint32_t width = 0;
    uint32_t height = 0;
  };
  /// `font_px`: size of the font. The font is DejaVu Sans, or what the system has in its place, or
  /// Cairo's own strokes where the system has no fonts.
  static TextSize text_size(const std::string& words, uint32_t font_px);
  /// Black words, the upper left corner of their text_size there. Bytes that are not UTF-8 and
  /// control characters are drawn as question marks.
  void text(uint32_t x, uint32_t y, const std::string& words, uint32_t font_px);
  /// The same, read from bottom to top: width and height change places.
  void text_up(uint32_t x, uint32_t y, const std::string& words, uint32_t font_px);

  /// The picture as a PNG file in memory.
  std::string png() const;
  /// Writes a PNG; the file is replaced by rename. Throws Error.
  void write_png(const std::filesystem::path& path) const;

 private:
  uint32_t width_;
  uint32_t height_;
  CairoSurface surface_;
  CairoContext context_;
};

}  // namespace flowmark
