#include "report/draw_axes.h"

#include <algorithm>

#include "report/axis_ticks.h"

namespace flowmark {
namespace {

constexpr uint32_t kMark = 3;      // length of a mark
constexpr uint32_t kLabelGap = 2;  // between marks, their labels and the title
constexpr uint8_t kBlack = 0;
constexpr const char* kLongLabel = "100ms ";  // marks on the x axis leave this much room

PlacedText placed_text(const std::string& words, uint32_t font_px) {
  const Canvas::TextSize size = Canvas::text_size(words, font_px);
  return {words, 0, 0, size.width, size.height, false};
}

/// Labels of the x axis so far below the panel that the lowest label of the y axis is above them.
uint32_t below_marks(uint32_t line) {
  return std::max(kMark + kLabelGap, (line + 1) / 2 + 1);
}

/// Beginning of a text in the middle of a side that starts at 0, but within [low, high].
int64_t centred(uint32_t text, uint32_t side, int64_t low, int64_t high) {
  const int64_t middle = (int64_t{side} - text) / 2;
  return std::max(low, std::min(middle, high - text));
}

/// Marks below the panel; widens the margin for a label that reaches over the right edge.
void mark_x(const PanelAxis& axis, const PanelScale& scale, uint32_t font_px, PanelAxes& axes) {
  const uint32_t spacing = Canvas::text_size(kLongLabel, font_px).width;
  for (const Tick& tick : axis_ticks(axis, scale.width, spacing)) {
    const uint32_t at = std::min(tick.place, scale.width - 1);
    PlacedText label = placed_text(tick.label, font_px);
    label.x = int64_t{at} - label.width / 2;
    label.y = scale.height + below_marks(label.height);
    const int64_t over = label.x + label.width - scale.width;
    axes.margins.right =
        std::max(axes.margins.right, static_cast<uint32_t>(std::max<int64_t>(0, over)));
    axes.x_marks.push_back(at);
    axes.texts.push_back(std::move(label));
  }
}

/// Marks on the left of the panel; returns the width of the widest label.
uint32_t mark_y(const PanelAxis& axis, const PanelScale& scale, uint32_t font_px, PanelAxes& axes) {
  const uint32_t line = Canvas::text_size("0", font_px).height;
  uint32_t widest = 0;
  for (const Tick& tick : axis_ticks(axis, scale.height, line + kLabelGap)) {
    const uint32_t at = scale.height - std::max(1U, std::min(tick.place, scale.height));
    PlacedText label = placed_text(tick.label, font_px);
    label.x = -int64_t{kMark} - kLabelGap - label.width;
    label.y = int64_t{at} - line / 2;
    widest = std::max(widest, label.width);
    axes.y_marks.push_back(at);
    axes.texts.push_back(std::move(label));
  }
  return widest;
}

}  // namespace

PanelAxes axes_of(const Panel& panel, const PanelScale& scale, uint32_t font_px) {
  const uint32_t line = Canvas::text_size("0", font_px).height;
  PanelAxes axes;
  PanelMargins& margins = axes.margins;
  mark_x(panel.x, scale, font_px, axes);
  margins.left = line + kLabelGap + mark_y(panel.y, scale, font_px, axes) + kLabelGap + kMark;
  margins.top = line / 2 + 1;
  margins.bottom = below_marks(line) + 2 * line;

  PlacedText below = placed_text(panel.x.title, font_px);
  const int64_t right = int64_t{scale.width} + margins.right;
  if (below.width <= margins.left + right) {
    below.x = centred(below.width, scale.width, -int64_t{margins.left}, right);
    below.y = scale.height + below_marks(line) + line;
    axes.texts.push_back(std::move(below));
  }
  PlacedText beside = placed_text(panel.y.title, font_px);
  std::swap(beside.width, beside.height);
  const int64_t bottom = int64_t{scale.height} + margins.bottom;
  if (beside.height <= margins.top + bottom) {
    beside.upwards = true;
    beside.x = -int64_t{margins.left};
    beside.y = centred(beside.height, scale.height, -int64_t{margins.top}, bottom);
    axes.texts.push_back(std::move(beside));
  }
  return axes;
}

void draw_axes(const PanelAxes& axes, const PanelScale& scale, uint32_t font_px, uint32_t x,
               uint32_t y, Canvas& canvas) {
  for (const uint32_t mark : axes.x_marks) {
    canvas.fill(x + mark, y + scale.height, 1, kMark, kBlack);
  }
  for (const uint32_t mark : axes.y_marks) {
    canvas.fill(x - kMark, y + mark, kMark, 1, kBlack);
  }
  for (const PlacedText& text : axes.texts) {
    const auto left = static_cast<uint32_t>(x + text.x);
    const auto top = static_cast<uint32_t>(y + text.y);
    if (text.upwards) {
      canvas.text_up(left, top, text.words, font_px);
    } else {
      canvas.text(left, top, text.words, font_px);
    }
  }
}

}  // namespace flowmark
