#include "report/draw_window.h"

#include <algorithm>
#include <cmath>

#include "report/draw_axes.h"
#include "report/draw_panel.h"

namespace flowmark {
namespace {

constexpr uint32_t kPanelGap = 8;  // between panels

PanelAxes axes_of(const Panel& panel, const PanelScale& scale, const DrawStyle& style) {
  return style.axes ? axes_of(panel, scale, style.font_px) : PanelAxes{};
}

DrawnSize with_margins(const PanelScale& scale, const PanelMargins& margins) {
  return {scale.width + margins.left + margins.right, scale.height + margins.top + margins.bottom};
}

bool is_in(const Panel& panel, const SparseValue& cell) {
  return cell.index >= panel.first && cell.index - panel.first < panel.rows * panel.columns;
}

/// The largest absolute value in the panels of a group.
float most_of(const std::vector<Panel>& panels, uint32_t group,
              std::span<const SparseValue> window) {
  float most = 0;
  for (const Panel& panel : panels) {
    if (panel.group != group) continue;
    for (const SparseValue& cell : window) {
      if (is_in(panel, cell)) most = std::max(most, std::abs(cell.value));
    }
  }
  return most;
}

}  // namespace

DrawnSize drawn_size(const FeatureSpec& spec, const DrawStyle& style) {
  DrawnSize all;
  for (const Panel& panel : spec.panels()) {
    const PanelScale scale = scale_of(panel, style.side);
    const DrawnSize size = with_margins(scale, axes_of(panel, scale, style).margins);
    all.width += size.width + (all.width > 0 ? kPanelGap : 0);
    all.height = std::max(all.height, size.height);
  }
  return all;
}

void draw_window(const FeatureSpec& spec, std::span<const SparseValue> window,
                 const DrawStyle& style, uint32_t x, uint32_t y, Canvas& canvas) {
  const std::vector<Panel> panels = spec.panels();
  for (const Panel& panel : panels) {
    const float most = most_of(panels, panel.group, window);
    const PanelScale scale = scale_of(panel, style.side);
    const PanelAxes axes = axes_of(panel, scale, style);
    const uint32_t left = x + axes.margins.left;
    const uint32_t top = y + axes.margins.top;
    draw_panel(panel, window, scale, most, left, top, canvas);
    draw_axes(axes, scale, style.font_px, left, top, canvas);
    x += with_margins(scale, axes.margins).width + kPanelGap;
  }
}

std::string window_png(const FeatureSpec& spec, std::span<const SparseValue> window,
                       const DrawStyle& style) {
  const DrawnSize size = drawn_size(spec, style);
  Canvas canvas(size.width, size.height);
  draw_window(spec, window, style, 0, 0, canvas);
  return canvas.png();
}

}  // namespace flowmark
