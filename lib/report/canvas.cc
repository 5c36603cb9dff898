#include "report/canvas.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "base/error.h"
#include "report/html.h"

namespace flowmark {
namespace {

// Alpha alone is one byte a pixel, and Cairo writes it as a grey PNG. The operator `source` sets it
// (and blends the edges of letters); Cairo's usual `over` can only add to it.
constexpr cairo_format_t kFormat = CAIRO_FORMAT_A8;

CairoSurface make_surface(uint32_t width, uint32_t height) {
  CairoSurface surface(
      cairo_image_surface_create(kFormat, static_cast<int>(width), static_cast<int>(height)));
  const cairo_status_t status = cairo_surface_status(surface.get());
  if (status != CAIRO_STATUS_SUCCESS) {
    fail("a picture of {} x {} pixels: {}", width, height, cairo_status_to_string(status));
  }
  return surface;
}

CairoContext make_context(const CairoSurface& surface) {
  CairoContext context(cairo_create(surface.get()));
  cairo_set_operator(context.get(), CAIRO_OPERATOR_SOURCE);
  return context;
}

void set_grey(cairo_t* context, uint8_t grey) {
  cairo_set_source_rgba(context, 0, 0, 0, grey / 255.0);
}

/// The same letters whatever the desktop prefers: no subpixels, widths of whole pixels.
void set_font(cairo_t* context, uint32_t font_px) {
  cairo_select_font_face(context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(context, font_px);
  cairo_font_options_t* const options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_ON);
  cairo_set_font_options(context, options);
  cairo_font_options_destroy(options);
}

struct MeasuredText {
  std::string words;  ///< as they can be drawn
  Canvas::TextSize size;
  double ascent = 0;  ///< from the top to the base line
};

/// False: Cairo refuses the words. Its context is of no use from then on.
bool measure(MeasuredText& text, uint32_t font_px) {
  const CairoSurface surface = make_surface(1, 1);
  const CairoContext context = make_context(surface);
  set_font(context.get(), font_px);
  cairo_text_extents_t line;
  cairo_font_extents_t font;
  cairo_text_extents(context.get(), text.words.c_str(), &line);
  cairo_font_extents(context.get(), &font);
  if (cairo_status(context.get()) != CAIRO_STATUS_SUCCESS) {
    return false;
  }
  text.ascent = std::ceil(font.ascent);
  text.size = {static_cast<uint32_t>(std::ceil(line.x_advance)),
               static_cast<uint32_t>(text.ascent + std::ceil(font.descent))};
  return true;
}

MeasuredText measured(std::string words, uint32_t font_px) {
  for (char& letter : words) {
    const auto byte = static_cast<uint8_t>(letter);
    letter = byte < 0x20 || byte == 0x7f ? '?' : letter;
  }
  MeasuredText text{std::move(words), {}, 0};
  if (!measure(text, font_px)) {  // not UTF-8
    for (char& letter : text.words) {
      letter = static_cast<uint8_t>(letter) >= 0x80 ? '?' : letter;
    }
    if (!measure(text, font_px)) {
      fail("the text '{}' cannot be drawn with a font of {} pixels", text.words, font_px);
    }
  }
  return text;
}

cairo_status_t append(void* bytes, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(bytes)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

Canvas::Canvas(uint32_t width, uint32_t height) : width_(width), height_(height) {
  if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide) {
    fail("a picture of {} x {} pixels: must be 1 to {} each way", width, height, kMaxSide);
  }
  surface_ = make_surface(width, height);
  context_ = make_context(surface_);
  fill(0, 0, width, height, 255);
}

uint8_t Canvas::at(uint32_t x, uint32_t y) const {
  if (x >= width_ || y >= height_) {
    fail("pixel {}, {} of a picture of {} x {}", x, y, width_, height_);
  }
  cairo_surface_flush(surface_.get());
  const auto stride = static_cast<size_t>(cairo_image_surface_get_stride(surface_.get()));
  return cairo_image_surface_get_data(surface_.get())[y * stride + x];
}

void Canvas::fill(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t grey) {
  set_grey(context_.get(), grey);
  cairo_rectangle(context_.get(), x, y, width, height);
  cairo_fill(context_.get());
}

void Canvas::frame(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t grey) {
  set_grey(context_.get(), grey);
  cairo_set_line_width(context_.get(), 1);
  cairo_rectangle(context_.get(), x - 0.5, y - 0.5, width + 1.0, height + 1.0);
  cairo_stroke(context_.get());
}

void Canvas::cells(uint32_t x, uint32_t y, std::span<const uint8_t> greys, uint32_t columns,
                   uint32_t enlarge) {
  const auto rows = static_cast<uint32_t>(greys.size() / columns);
  const CairoSurface matrix = make_surface(columns, rows);
  unsigned char* const data = cairo_image_surface_get_data(matrix.get());
  const auto stride = static_cast<size_t>(cairo_image_surface_get_stride(matrix.get()));
  for (uint32_t row = 0; row < rows; ++row) {
    std::memcpy(data + row * stride, greys.data() + size_t{row} * columns, columns);
  }
  cairo_surface_mark_dirty(matrix.get());
  cairo_t* const context = context_.get();
  cairo_save(context);
  cairo_translate(context, x, y);
  cairo_scale(context, enlarge, enlarge);
  cairo_set_source_surface(context, matrix.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST);
  cairo_rectangle(context, 0, 0, columns, rows);
  cairo_fill(context);
  cairo_restore(context);
}

Canvas::TextSize Canvas::text_size(const std::string& words, uint32_t font_px) {
  return measured(words, font_px).size;
}

void Canvas::text(uint32_t x, uint32_t y, const std::string& words, uint32_t font_px) {
  const MeasuredText text = measured(words, font_px);
  set_grey(context_.get(), 0);
  set_font(context_.get(), font_px);
  cairo_move_to(context_.get(), x, y + text.ascent);
  cairo_show_text(context_.get(), text.words.c_str());
}

void Canvas::text_up(uint32_t x, uint32_t y, const std::string& words, uint32_t font_px) {
  const MeasuredText text = measured(words, font_px);
  set_grey(context_.get(), 0);
  set_font(context_.get(), font_px);
  cairo_save(context_.get());
  cairo_move_to(context_.get(), x + text.ascent, y + text.size.width);
  cairo_rotate(context_.get(), -std::numbers::pi / 2);
  cairo_show_text(context_.get(), text.words.c_str());
  cairo_restore(context_.get());
}

std::string Canvas::png() const {
  std::string bytes;
  cairo_status_t status = cairo_status(context_.get());
  if (status == CAIRO_STATUS_SUCCESS) {
    status = cairo_surface_write_to_png_stream(surface_.get(), append, &bytes);
  }
  if (status != CAIRO_STATUS_SUCCESS) {
    fail("a picture of {} x {} pixels cannot be coded as PNG: {}", width_, height_,
         cairo_status_to_string(status));
  }
  return bytes;
}

void Canvas::write_png(const std::filesystem::path& path) const {
  write_text_file(path, png());
}

}  // namespace flowmark
