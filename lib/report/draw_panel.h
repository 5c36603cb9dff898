#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "feature/panel.h"
#include "feature/sparse_window.h"
#include "report/canvas.h"

namespace flowmark {

/// Cells to pixels, the same along both axes.
struct PanelScale {
  uint32_t enlarge = 1;  ///< pixels per cell, or
  uint32_t shrink = 1;   ///< cells per pixel
  uint32_t width = 0;    ///< of the panel in pixels
  uint32_t height = 0;
};
/// So that the longer side has about `side` pixels.
PanelScale scale_of(const Panel& panel, uint32_t side);

/// Draws the panel's cells of a window into the rectangle with that upper left corner, framed:
/// darker is farther from 0, on a logarithmic scale from 0 to `most`.
void draw_panel(const Panel& panel, std::span<const SparseValue> window, const PanelScale& scale,
                float most, uint32_t x, uint32_t y, Canvas& canvas);

}  // namespace flowmark
