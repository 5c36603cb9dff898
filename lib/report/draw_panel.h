#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "feature/feature_spec.h"
#include "feature/sparse_window.h"
#include "report/image.h"

namespace flowmark {

/// A matrix within the input tensor, and how its rows are to be stacked.
struct Panel {
  enum class Kind : uint8_t { picture, size_iat, burst_surge };
  Kind kind = Kind::picture;
  uint32_t first = 0;  ///< index of its first cell
  uint32_t rows = 0;
  uint32_t columns = 0;
  bool is_signed = false;  ///< the first half of the rows is upstream
};
/// The matrices of a specification, from left to right.
std::vector<Panel> panels_of(const FeatureSpec& spec);

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
/// darker is more, on a logarithmic scale from 0 to `most`.
void draw_panel(const Panel& panel, std::span<const SparseValue> window, const PanelScale& scale,
                float most, uint32_t x, uint32_t y, Image& image);

/// A mark on an axis.
struct Tick {
  uint32_t place = 0;  ///< pixels from the left, or from the bottom
  std::string label;
};
/// As many as their labels leave room for.
std::vector<Tick> time_ticks(const FeatureSpec& spec, const Panel& panel, uint32_t width,
                             uint32_t text_scale);
std::vector<Tick> size_ticks(const FeatureSpec& spec, const Panel& panel, uint32_t height,
                             uint32_t text_scale);
const char* time_title(const Panel& panel) noexcept;
const char* size_title(const Panel& panel) noexcept;

}  // namespace flowmark
