#include "report/draw_window.h"

#include <algorithm>

#include "report/draw_panel.h"

namespace flowmark {
namespace {

constexpr uint32_t kGap = 8;  // between the two halves of `combined`
constexpr uint32_t kTick = 3;
constexpr uint32_t kLetters = 5;  // of the longest mark on a size axis

/// Room around a panel for its axes.
struct Margins {
  uint32_t left = 1;
  uint32_t bottom = 1;
  uint32_t top = 1;
  uint32_t right = 1;
};

Margins margins_of(const DrawStyle& style) {
  if (!style.axes) {
    return {};
  }
  const uint32_t line = Image::kTextHeight * style.text_scale;
  const uint32_t letter = Image::kTextWidth * style.text_scale;
  return {line + 2 + kLetters * letter + kTick + 2, kTick + 2 * line + 4, line / 2, 2 * letter};
}

DrawnSize with_margins(const PanelScale& scale, const Margins& margins) {
  return {scale.width + margins.left + margins.right, scale.height + margins.top + margins.bottom};
}

/// Beginning of a text of that length around the middle of a side that starts at `from`.
uint32_t centred(uint32_t from, uint32_t side, uint32_t text) {
  return text >= side ? from : from + (side - text) / 2;
}

/// `x`, `y`: upper left corner of the panel itself.
void draw_axes(const FeatureSpec& spec, const Panel& panel, const PanelScale& scale,
               const DrawStyle& style, uint32_t x, uint32_t y, Image& image) {
  const uint32_t line = Image::kTextHeight * style.text_scale;
  const uint32_t bottom = y + scale.height;
  for (const Tick& tick : time_ticks(spec, panel, scale.width, style.text_scale)) {
    const uint32_t at = x + std::min(tick.place, scale.width - 1);
    image.fill(at, bottom, 1, kTick, 0);
    image.text(at - Image::text_width(tick.label, style.text_scale) / 2, bottom + kTick + 1,
               tick.label, style.text_scale);
  }
  for (const Tick& tick : size_ticks(spec, panel, scale.height, style.text_scale)) {
    const uint32_t at = bottom - std::max(1U, std::min(tick.place, scale.height));
    image.fill(x - kTick, at, kTick, 1, 0);
    const uint32_t width = Image::text_width(tick.label, style.text_scale);
    image.text(x - kTick - 1 - width, at - line / 2 + (at < line / 2 ? line / 2 : 0), tick.label,
               style.text_scale);
  }
  const std::string time = time_title(panel);
  image.text(centred(x, scale.width, Image::text_width(time, style.text_scale)),
             bottom + kTick + line + 3, time, style.text_scale);
  const std::string size = size_title(panel);
  const uint32_t length = Image::text_width(size, style.text_scale);
  const uint32_t left = x - margins_of(style).left;
  image.text_up(left, std::max(centred(y, scale.height, length) + length, y), size,
                style.text_scale);
}

}  // namespace

DrawnSize drawn_size(const FeatureSpec& spec, const DrawStyle& style) {
  DrawnSize all;
  for (const Panel& panel : panels_of(spec)) {
    const DrawnSize size = with_margins(scale_of(panel, style.side), margins_of(style));
    all.width += size.width + (all.width > 0 ? kGap : 0);
    all.height = std::max(all.height, size.height);
  }
  return all;
}

void draw_window(const FeatureSpec& spec, std::span<const SparseValue> window,
                 const DrawStyle& style, uint32_t x, uint32_t y, Image& image) {
  const Margins margins = margins_of(style);
  float most = 0;
  for (const SparseValue& cell : window) {
    most = std::max(most, cell.value);
  }
  for (const Panel& panel : panels_of(spec)) {
    const PanelScale scale = scale_of(panel, style.side);
    draw_panel(panel, window, scale, most, x + margins.left, y + margins.top, image);
    if (style.axes) {
      draw_axes(spec, panel, scale, style, x + margins.left, y + margins.top, image);
    }
    x += with_margins(scale, margins).width + kGap;
  }
}

std::string window_png(const FeatureSpec& spec, std::span<const SparseValue> window,
                       const DrawStyle& style) {
  const DrawnSize size = drawn_size(spec, style);
  Image image(size.width, size.height);
  draw_window(spec, window, style, 0, 0, image);
  return image.png();
}

}  // namespace flowmark
