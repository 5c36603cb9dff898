#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/draw_panel.h"

namespace flowmark {

/// Room around a panel for its frame and its axes, in pixels.
struct PanelMargins {
  uint32_t left = 1;
  uint32_t bottom = 1;
  uint32_t top = 1;
  uint32_t right = 1;
};

/// A line of text, the upper left corner of the room it takes given.
struct PlacedText {
  std::string words;
  int64_t x = 0;
  int64_t y = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  bool upwards = false;  ///< read from bottom to top
};

/// Marks and words around a panel, counted from the panel's own upper left corner.
struct PanelAxes {
  std::vector<uint32_t> x_marks;  ///< pixels from the left
  std::vector<uint32_t> y_marks;  ///< pixels from the top
  std::vector<PlacedText> texts;
  PanelMargins margins;  ///< that the marks and the texts need
};
/// A title is left out where it is longer than the panel with its margins.
PanelAxes axes_of(const Panel& panel, const PanelScale& scale, uint32_t font_px);

void draw_axes(const PanelAxes& axes, const PanelScale& scale, uint32_t font_px, uint32_t x,
               uint32_t y, Canvas& canvas);

}  // namespace flowmark
