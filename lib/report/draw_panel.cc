#include "report/draw_panel.h"

#include <algorithm>
#include <cmath>

#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"

namespace flowmark {
namespace {

constexpr double kFaintest = 0.25;  // of black, so that a single packet is seen
constexpr uint8_t kFrameGrey = 160;

/// A row's place from the bottom: size upwards; of signed axes downstream below, mirrored.
uint32_t height_of(const Panel& panel, uint32_t row) {
  if (!panel.is_signed) {
    return row;
  }
  const uint32_t half = panel.rows / 2;
  return row < half ? half + row : panel.rows - 1 - row;
}

}  // namespace

std::vector<Panel> panels_of(const FeatureSpec& spec) {
  if (spec.image()) {
    return {
        {Panel::Kind::picture, 0, picture_of(spec).size_bins, picture_of(spec).time_bins, false}};
  }
  const HistogramSpec& h = histogram_of(spec);
  const Panel sizes{Panel::Kind::size_iat, 0, 2 * h.size.bins, h.iat_us.bins, true};
  Panel bursts{Panel::Kind::burst_surge, 0, 2 * h.burst_bytes.bins, h.surge_us.bins, true};
  if (!h.has_burst_surge()) return {sizes};
  if (!h.has_size_iat()) return {bursts};
  bursts.first = sizes.rows * sizes.columns;
  return {sizes, bursts};
}

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
                float most, uint32_t x, uint32_t y, Image& image) {
  image.frame(x, y, scale.width, scale.height, kFrameGrey);
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
    const uint32_t top = y + scale.height - up - scale.enlarge;
    for (uint32_t i = 0; i < scale.enlarge * scale.enlarge; ++i) {
      image.darken(left + i % scale.enlarge, top + i / scale.enlarge, grey);
    }
  }
}

}  // namespace flowmark
