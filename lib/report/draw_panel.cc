#include "report/draw_panel.h"

#include <algorithm>
#include <cmath>

namespace flowmark {
namespace {

constexpr double kFaintest = 0.25;  // of black, so that a single packet is seen
constexpr uint8_t kFrameGrey = 160;
constexpr uint8_t kWhite = 255;

/// A row's place from the bottom: size upwards; of mirrored axes downstream below.
uint32_t height_of(const Panel& panel, uint32_t row) {
  if (!panel.y.mirrored) {
    return row;
  }
  const uint32_t half = panel.rows / 2;
  return row < half ? half + row : panel.rows - 1 - row;
}

uint8_t grey_of(float value, float most) {
  const double share =
      std::log1p(std::abs(static_cast<double>(value))) / std::log1p(static_cast<double>(most));
  return static_cast<uint8_t>(kWhite * (1 - kFaintest - (1 - kFaintest) * share));
}

}  // namespace

PanelScale scale_of(const Panel& panel, uint32_t side) {
  const uint32_t longest = std::max(panel.rows, panel.columns);
  PanelScale scale;
  if (longest >= side) {
    scale.shrink = (longest + side - 1) / side;
  } else {
    scale.enlarge = side / longest;
  }
  const auto pixels = [&](uint32_t cells) {
    return (cells + scale.shrink - 1) / scale.shrink * scale.enlarge;
  };
  scale.width = pixels(panel.columns);
  scale.height = pixels(panel.rows);
  return scale;
}

void draw_panel(const Panel& panel, std::span<const SparseValue> window, const PanelScale& scale,
                float most, uint32_t x, uint32_t y, Canvas& canvas) {
  canvas.frame(x, y, scale.width, scale.height, kFrameGrey);
  const uint32_t columns = scale.width / scale.enlarge;
  const uint32_t rows = scale.height / scale.enlarge;
  std::vector<uint8_t> greys(size_t{columns} * rows, kWhite);
  for (const SparseValue& cell : window) {
    const uint32_t place = cell.index - panel.first;
    if (cell.index < panel.first || place >= panel.rows * panel.columns) {
      continue;
    }
    const uint32_t column = place % panel.columns / scale.shrink;
    const uint32_t row = rows - 1 - height_of(panel, place / panel.columns) / scale.shrink;
    uint8_t& grey = greys[size_t{row} * columns + column];
    grey = std::min(grey, grey_of(cell.value, most));
  }
  canvas.cells(x, y, greys, columns, scale.enlarge);
}

}  // namespace flowmark
