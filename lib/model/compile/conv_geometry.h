#pragma once

#include <cstdint>
#include <vector>

#include "model/compile/plan.h"
#include "model/onnx/load_budget.h"

namespace flowmark {

/// One axis of a convolution with pooling: which outputs an input reaches, which inputs a pooling
/// window needs, and which outputs look alike when the input is all background.
///
/// Outputs are kept in a map with margins, so that every input writes `reach` map places without
/// regard to the border: input i writes [first, first + reach), output o is at o + margin.
struct AxisGeometry {
  struct Input {
    uint32_t first = 0;      ///< map place
    uint32_t phase = 0;      ///< (i + padding) modulo the stride
    uint32_t out_begin = 0;  ///< real outputs that it reaches; empty if none
    uint32_t out_end = 0;
    uint32_t pool_begin = 0;  ///< pooling windows that see one of them; empty if none
    uint32_t pool_end = 0;
  };
  /// A pooling window.
  struct Window {
    uint32_t begin = 0;  ///< outputs in it
    uint32_t end = 0;
    uint32_t uniform = 0;  ///< the class of all of them, or kMixed
    uint32_t class_of = 0;
    uint32_t in_begin = 0;  ///< inputs that reach one of them
    uint32_t in_end = 0;
  };
  static constexpr uint32_t kMixed = UINT32_MAX;

  uint32_t reach = 0;   ///< ceil(kernel / stride)
  uint32_t margin = 0;  ///< reach - 1
  uint32_t map_size = 0;
  uint32_t stride = 1;
  std::vector<Input> inputs;
  std::vector<Window> windows;
  std::vector<uint32_t> out_class;  ///< outputs of one class have equal windows of background
  uint32_t out_classes = 0;
  uint32_t window_classes = 0;
  uint32_t main_class = 0;  ///< the `uniform` that most windows have; they are pooled in batches
};

/// What a layer's output is when nothing is in the picture: by class of row and column, because
/// only the border differs from the middle.
struct Background {
  std::vector<uint32_t> row_class;
  std::vector<uint32_t> column_class;
  uint32_t column_classes = 1;
  uint32_t channels = 1;
  size_t stride = 1;  ///< floats per class pair
  std::vector<float> values;
  bool all_zero = true;

  const float* at(uint32_t row, uint32_t column) const noexcept {
    return of_classes(row_class[row], column_class[column]);
  }
  const float* of_classes(uint32_t row, uint32_t column) const noexcept {
    return values.data() + (size_t{row} * column_classes + column) * stride;
  }
};

/// The empty picture.
Background empty_picture(uint32_t height, uint32_t width);

/// Geometry of a layer and its answer to the background.
struct ConvGeometry {
  AxisGeometry y;
  AxisGeometry x;
  Background base;    ///< before ReLU and pooling, bias included, by output class
  Background pooled;  ///< what the next layer gets
};

/// Throws Error if the layer's borders are too much for the budget.
ConvGeometry make_geometry(const ConvLayer& layer, const Background& input, LoadBudget& budget);

}  // namespace flowmark
