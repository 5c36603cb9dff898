#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "feature/feature_spec.h"
#include "feature/sparse_window.h"
#include "report/canvas.h"

namespace flowmark {

/// How a window is drawn.
struct DrawStyle {
  /// Its longer side has about so many pixels: a matrix of fewer cells is enlarged by a whole
  /// factor, one of more is thinned out, the darkest cell staying.
  uint32_t side = 200;
  bool axes = true;       ///< with marks, units and titles
  uint32_t font_px = 10;  ///< size of the letters
};

/// Size in pixels of one window drawn, axes included.
struct DrawnSize {
  uint32_t width = 0;
  uint32_t height = 0;
};
DrawnSize drawn_size(const FeatureSpec& spec, const DrawStyle& style);

/// Draws a window into the rectangle with that upper left corner and drawn_size, framed: darker is
/// more, on a logarithmic scale. FlowPics as in the paper: time to the right, size upwards.
/// Histograms as in the tunnel paper: inter-arrival time or surge period to the right, signed size
/// upwards (upstream above, larger sizes outwards); `combined` has both side by side.
void draw_window(const FeatureSpec& spec, std::span<const SparseValue> window,
                 const DrawStyle& style, uint32_t x, uint32_t y, Canvas& canvas);

/// One window as a PNG file in memory.
std::string window_png(const FeatureSpec& spec, std::span<const SparseValue> window,
                       const DrawStyle& style);

}  // namespace flowmark
