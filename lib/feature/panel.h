#pragma once

#include <cstdint>
#include <string>

namespace flowmark {

/// What an axis of a panel measures.
struct PanelAxis {
  enum class Scale : uint8_t { linear, logarithmic };
  enum class Unit : uint8_t { seconds, microseconds, bytes, elements };

  std::string title;
  Scale scale = Scale::linear;
  Unit unit = Unit::bytes;
  double min = 0;  ///< at the lower edge of the first cell; above 0 if logarithmic
  double max = 0;  ///< at the upper edge of the last cell
  /// The first half of the cells is upstream, the second half downstream, each from min to max.
  bool mirrored = false;
};

/// A matrix within a kind's input tensor, as people look at it. Plain data: who draws a window
/// needs to know nothing else of its kind.
struct Panel {
  uint32_t first = 0;  ///< index of its first cell; the cells lie row by row
  uint32_t rows = 0;
  uint32_t columns = 0;
  PanelAxis x;  ///< along a row
  PanelAxis y;  ///< along a column
  /// Panels of the same group share their scale of grey.
  uint32_t group = 0;
};

}  // namespace flowmark
