#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "learn/cnn/shape.h"

namespace flowmark {

/// Rounds up to whole rows of 16 floats: the widest vector, and a cache line.
constexpr size_t cnn_padded(size_t floats) noexcept {
  return (floats + 15) / 16 * 16;
}

/// One axis of a convolution with its pooling: which outputs an input reaches, and which outputs
/// are alike when there is nothing but background.
///
/// Inputs at the same phase, (input + pad) modulo the stride, reach the same number of outputs,
/// next to each other, through the same kernel places ("taps"). A map has room for all places that
/// an input may reach: output o is at place o + margin; the places before and behind are never
/// read.
///
/// Background classes: two inputs are of one class if they have the same background value whatever
/// the weights. Two outputs are of one class if the inputs under their kernels are, place by place,
/// zero padding being a class of its own (but not in front of the first convolution, where the
/// background is zero too). Likewise two pooling windows.
struct CnnAxis {
  static constexpr uint32_t kPadding = UINT32_MAX;

  CnnAxis(uint32_t in, const CnnConv& conv, const std::vector<uint32_t>& in_class, bool first);

  uint32_t in;
  uint32_t pooled;  ///< pooling windows
  uint32_t used;    ///< outputs that pooling looks at
  uint32_t margin;
  uint32_t places;
  std::vector<uint32_t> taps;          ///< [phase]
  std::vector<uint32_t> phase;         ///< [input]
  std::vector<uint32_t> place;         ///< [input] the first it reaches
  std::vector<uint32_t> first_window;  ///< [input] pooling windows that it reaches: [first, end)
  std::vector<uint32_t> end_window;
  std::vector<uint32_t> window_of;  ///< [output below used]
  std::vector<uint32_t> place_in_window;

  uint32_t in_classes;
  uint32_t out_classes;
  uint32_t window_classes;
  std::vector<uint32_t> window_class;  ///< [window]
  std::vector<uint32_t> under_kernel;  ///< [output class][kernel place]: input class or kPadding
  std::vector<uint32_t> in_window;     ///< [window class][place in window]: output class
};

/// A convolution with its pooling, laid out for training.
///
/// Filters are padded to filter_stride, input channels (but of the first convolution, which has
/// one) to channel_stride. The first convolution's weights are [ky][kx][filter_stride]. Those of
/// the others are rows of channel_stride, one for each kernel place and filter, in the order [phase
/// y] [phase x][tap y][tap x][filter], taps in the order of the outputs they lead to.
struct CnnLayer {
  CnnLayer(const CnnConv& conv, uint32_t channels, const CnnAxis& rows, const CnnAxis& columns);

  CnnConv conv;
  uint32_t channels;
  CnnAxis h;
  CnnAxis w;
  bool first;
  size_t channel_stride;
  size_t filter_stride;
  std::vector<size_t> phase_row;      ///< [phase y * stride + phase x]: its first row of weights
  std::vector<size_t> phase_forward;  ///< the same in floats of the forward copy of the weights
  size_t forward_size = 0;            ///< floats of that copy

  uint32_t in_classes() const noexcept { return h.in_classes * w.in_classes; }
  uint32_t out_classes() const noexcept { return h.out_classes * w.out_classes; }
  uint32_t window_classes() const noexcept { return h.window_classes * w.window_classes; }
  uint32_t windows() const noexcept { return h.pooled * w.pooled; }
  uint32_t window_class(uint32_t window) const noexcept {
    return h.window_class[window / w.pooled] * w.window_classes + w.window_class[window % w.pooled];
  }
  /// The output class of place `sub` (row-major) in a window of a class.
  uint32_t out_class(uint32_t window_class, uint32_t sub) const noexcept;
  /// Row of the weights behind kernel place (ky, kx) and filter 0; not for the first convolution.
  size_t weight_row(uint32_t ky, uint32_t kx) const noexcept;
  size_t weight_count() const noexcept;
  /// Places in a pooling window.
  uint32_t subs() const noexcept { return conv.pool * conv.pool; }
  size_t phase_of(uint32_t y, uint32_t x) const noexcept {
    return size_t{h.phase[y]} * conv.stride + w.phase[x];
  }
};

/// A dense layer's place among the parameters: weights [input][stride], then bias [stride].
struct CnnDense {
  uint32_t inputs = 0;
  uint32_t outputs = 0;
  size_t stride = 0;   ///< of outputs
  double dropout = 0;  ///< of the outputs
  size_t weights = 0;
  size_t bias = 0;
};

/// Everything about a network that does not change while it learns. All parameters are one array.
struct CnnGeometry {
  explicit CnnGeometry(const CnnShape& shape);

  CnnShape shape;
  std::vector<CnnLayer> layers;
  std::vector<size_t> layer_weights;  ///< place of each convolution's weights in the parameters
  std::vector<size_t> layer_bias;
  std::vector<CnnDense> dense;
  size_t parameters = 0;  ///< floats, padding included
  size_t flat = 0;        ///< inputs of the first dense layer, in the order [y][x][channel]

  /// From and to the order of CnnParameters. Values of pixels are to be multiplied by `input_scale`
  /// before they meet the array; in CnnParameters the first convolution's weights are.
  void import(const CnnParameters& from, double input_scale, float* to) const;
  CnnParameters export_from(const float* from, double input_scale) const;

 private:
  template <typename Visit>
  void visit(const Visit& visit) const;
};

}  // namespace flowmark
