#include "train/draw_window.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace flowmark {
namespace {

constexpr uint32_t kGap = 8;        // between the two halves of `combined`
constexpr double kFaintest = 0.25;  // of black, so that a single packet is seen

/// A matrix within the input tensor, and how its rows are to be stacked.
struct Panel {
  uint32_t first = 0;  ///< index of its first cell
  uint32_t rows = 0;
  uint32_t columns = 0;
  bool is_signed = false;  ///< the first half of the rows is upstream
};

std::vector<Panel> panels(const FeatureSpec& spec) {
  if (spec.is_picture()) {
    return {{0, spec.picture.size_bins, spec.picture.time_bins, false}};
  }
  const HistogramSpec& h = spec.histogram;
  const Panel sizes{0, 2 * h.size.bins, h.iat_us.bins, true};
  Panel bursts{0, 2 * h.burst_bytes.bins, h.surge_us.bins, true};
  switch (spec.kind) {
    case FeatureKind::size_iat:
      return {sizes};
    case FeatureKind::burst_surge:
      return {bursts};
    default:
      bursts.first = sizes.rows * sizes.columns;
      return {sizes, bursts};
  }
}

/// Cells to pixels along one axis.
struct Scale {
  uint32_t enlarge = 1;  ///< pixels per cell, or
  uint32_t shrink = 1;   ///< cells per pixel
};

Scale scale_of(const Panel& panel, uint32_t side) {
  const uint32_t longest = std::max(panel.rows, panel.columns);
  Scale scale;
  if (longest >= side) {
    scale.shrink = (longest + side - 1) / side;
  } else {
    scale.enlarge = side / longest;
  }
  return scale;
}

DrawnSize size_of(const Panel& panel, const Scale& scale) {
  const auto pixels = [&](uint32_t cells) {
    return (cells + scale.shrink - 1) / scale.shrink * scale.enlarge;
  };
  return {pixels(panel.columns), pixels(panel.rows)};
}

/// A row's place from the bottom: size upwards; of signed axes downstream below, mirrored.
uint32_t height_of(const Panel& panel, uint32_t row) {
  if (!panel.is_signed) {
    return row;
  }
  const uint32_t half = panel.rows / 2;
  return row < half ? half + row : panel.rows - 1 - row;
}

void draw_panel(const Panel& panel, std::span<const SparseValue> window, const Scale& scale,
                uint32_t x, uint32_t y, Image& image) {
  const DrawnSize size = size_of(panel, scale);
  image.frame(x, y, size.width, size.height, 160);
  float most = 0;
  for (const SparseValue& cell : window) {
    most = std::max(most, cell.value);
  }
  for (const SparseValue& cell : window) {
    const uint32_t place = cell.index - panel.first;
    if (cell.index < panel.first || place >= panel.rows * panel.columns) {
      continue;
    }
    const double share =
        std::log1p(static_cast<double>(cell.value)) / std::log1p(static_cast<double>(most));
    const auto grey = static_cast<uint8_t>(255 * (1 - kFaintest - (1 - kFaintest) * share));
    const uint32_t left = x + place % panel.columns / scale.shrink * scale.enlarge;
    const uint32_t up = height_of(panel, place / panel.columns) / scale.shrink * scale.enlarge;
    const uint32_t top = y + size.height - up - scale.enlarge;
    for (uint32_t i = 0; i < scale.enlarge * scale.enlarge; ++i) {
      image.darken(left + i % scale.enlarge, top + i / scale.enlarge, grey);
    }
  }
}

}  // namespace

DrawnSize drawn_size(const FeatureSpec& spec, uint32_t side) {
  DrawnSize all;
  for (const Panel& panel : panels(spec)) {
    const DrawnSize size = size_of(panel, scale_of(panel, side));
    all.width += size.width + (all.width > 0 ? kGap : 0);
    all.height = std::max(all.height, size.height);
  }
  return all;
}

void draw_window(const FeatureSpec& spec, std::span<const SparseValue> window, uint32_t side,
                 uint32_t x, uint32_t y, Image& image) {
  for (const Panel& panel : panels(spec)) {
    const Scale scale = scale_of(panel, side);
    draw_panel(panel, window, scale, x, y, image);
    x += size_of(panel, scale).width + kGap;
  }
}

}  // namespace flowmark
