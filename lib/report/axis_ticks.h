#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "feature/panel.h"

namespace flowmark {

/// A mark on an axis.
struct Tick {
  uint32_t place = 0;  ///< pixels from the axis' beginning: from the left, or from the bottom
  std::string label;
};

/// Marks at round values of an axis of `length` pixels, no nearer to each other than `spacing`. On
/// a linear axis they are plain numbers, on a logarithmic one powers of ten with their unit's
/// prefix; a mirrored axis has upstream sizes upwards from the middle ("+1k"), downstream ones
/// downwards.
std::vector<Tick> axis_ticks(const PanelAxis& axis, uint32_t length, uint32_t spacing);

}  // namespace flowmark
