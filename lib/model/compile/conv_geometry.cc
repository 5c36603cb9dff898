#include "model/compile/conv_geometry.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"
#include "kernel/kernels.h"

namespace flowmark {
namespace {

constexpr uint32_t kOutside = UINT32_MAX;
constexpr const char* kBorders = "a convolution's borders";
constexpr double kMultiplyWork = 2;
constexpr double kKeyWork = 20;  // of an element that tells one border from another

struct AxisShape {
  uint32_t in, kernel, stride, pad, out;
  uint32_t pool_kernel, pool_stride, pool_pad, pooled;
};

/// Numbers different keys in order of first appearance.
class Classes {
 public:
  uint32_t of(const std::vector<uint32_t>& key) {
    return known_.emplace(key, static_cast<uint32_t>(known_.size())).first->second;
  }
  uint32_t size() const { return static_cast<uint32_t>(known_.size()); }

 private:
  std::map<std::vector<uint32_t>, uint32_t> known_;
};

AxisGeometry::Input make_input(const AxisShape& shape, uint32_t i) {
  AxisGeometry::Input input;
  const uint32_t at = i + shape.pad;
  input.first = at / shape.stride;
  input.phase = at % shape.stride;
  if (input.phase >= shape.kernel) return input;  // falls between the kernels
  const uint32_t back = (shape.kernel - 1 - input.phase) / shape.stride;
  input.out_begin = input.first > back ? input.first - back : 0;
  input.out_end = std::min(input.first + 1, shape.out);
  if (input.out_begin >= input.out_end) {
    input.out_end = input.out_begin;
    return input;
  }
  // Windows p with p * stride - pad < out_end and p * stride - pad + kernel > out_begin.
  const uint32_t low = input.out_begin + shape.pool_pad;
  input.pool_begin =
      low < shape.pool_kernel ? 0 : (low - shape.pool_kernel) / shape.pool_stride + 1;
  input.pool_end =
      std::min((input.out_end - 1 + shape.pool_pad) / shape.pool_stride + 1, shape.pooled);
  input.pool_end = std::max(input.pool_begin, input.pool_end);
  return input;
}

void classify_outputs(const AxisShape& shape, const std::vector<uint32_t>& in_class, bool all_zero,
                      AxisGeometry& axis) {
  Classes classes;
  std::vector<uint32_t> key(shape.kernel);
  for (uint32_t o = 0; o < shape.out; ++o) {
    for (uint32_t k = 0; k < shape.kernel; ++k) {
      const uint32_t at = o * shape.stride + k;
      const bool inside = at >= shape.pad && at - shape.pad < shape.in;
      // The padding is zero: beside an empty picture it cannot be told from it.
      key[k] = all_zero ? 0 : inside ? in_class[at - shape.pad] : kOutside;
    }
    axis.out_class.push_back(classes.of(key));
  }
  axis.out_classes = classes.size();
}

void make_windows(const AxisShape& shape, AxisGeometry& axis) {
  Classes classes;
  std::vector<uint32_t> votes(axis.out_classes, 0);
  for (uint32_t p = 0; p < shape.pooled; ++p) {
    AxisGeometry::Window window;
    const uint32_t start = p * shape.pool_stride;
    window.begin = start > shape.pool_pad ? start - shape.pool_pad : 0;
    window.end = std::min(start + shape.pool_kernel - shape.pool_pad, shape.out);
    std::vector<uint32_t> key(axis.out_class.begin() + window.begin,
                              axis.out_class.begin() + window.end);
    std::sort(key.begin(), key.end());
    key.erase(std::unique(key.begin(), key.end()), key.end());
    window.class_of = classes.of(key);
    const bool whole = window.end - window.begin == shape.pool_kernel;
    window.uniform = whole && key.size() == 1 ? key[0] : AxisGeometry::kMixed;
    if (window.uniform != AxisGeometry::kMixed) ++votes[window.uniform];
    axis.windows.push_back(window);
  }
  axis.window_classes = classes.size();
  axis.main_class =
      static_cast<uint32_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
}

/// The inputs of each window: a contiguous range, because both ends grow with the input.
void find_window_inputs(AxisGeometry& axis) {
  for (auto& window : axis.windows) {
    window.in_begin = static_cast<uint32_t>(axis.inputs.size());
    window.in_end = 0;
  }
  for (uint32_t i = 0; i < axis.inputs.size(); ++i) {
    for (uint32_t p = axis.inputs[i].pool_begin; p < axis.inputs[i].pool_end; ++p) {
      axis.windows[p].in_begin = std::min(axis.windows[p].in_begin, i);
      axis.windows[p].in_end = std::max(axis.windows[p].in_end, i + 1);
    }
  }
}

AxisGeometry make_axis(const AxisShape& shape, const std::vector<uint32_t>& in_class,
                       bool all_zero) {
  AxisGeometry axis;
  axis.stride = shape.stride;
  axis.reach = (shape.kernel + shape.stride - 1) / shape.stride;
  axis.margin = axis.reach - 1;
  for (uint32_t i = 0; i < shape.in; ++i) axis.inputs.push_back(make_input(shape, i));
  axis.map_size = std::max(axis.inputs.back().first + axis.reach, shape.out + axis.margin);
  classify_outputs(shape, in_class, all_zero, axis);
  make_windows(shape, axis);
  find_window_inputs(axis);
  return axis;
}

/// The convolution's answer to the background at one output.
std::vector<double> answer(const ConvLayer& layer, const Background& input, uint32_t y,
                           uint32_t x) {
  std::vector<double> sums(layer.bias.begin(), layer.bias.end());
  if (input.all_zero) return sums;
  const size_t taps = size_t{layer.kernel_h} * layer.kernel_w;
  for (uint32_t ky = 0; ky < layer.kernel_h; ++ky) {
    const uint32_t row = y * layer.stride_h + ky - layer.pad_top;  // wraps when above the top
    if (row >= layer.in_h) continue;
    for (uint32_t kx = 0; kx < layer.kernel_w; ++kx) {
      const uint32_t column = x * layer.stride_w + kx - layer.pad_left;
      if (column >= layer.in_w) continue;
      const float* values = input.at(row, column);
      const float* weights = layer.weights.data() + size_t{ky} * layer.kernel_w + kx;
      for (uint32_t f = 0; f < layer.filters; ++f) {
        for (uint32_t c = 0; c < layer.in_channels; ++c) {
          sums[f] += double{values[c]} * weights[(size_t{f} * layer.in_channels + c) * taps];
        }
      }
    }
  }
  return sums;
}

Background empty_background(const std::vector<uint32_t>& rows, uint32_t row_classes,
                            const std::vector<uint32_t>& columns, uint32_t column_classes,
                            uint32_t channels, LoadBudget& budget) {
  const double count =
      static_cast<double>(padded(channels)) * row_classes * static_cast<double>(column_classes);
  budget.reserve(count * sizeof(float), kBorders);
  budget.spend(count, kBorders);
  Background background;
  background.row_class = rows;
  background.column_class = columns;
  background.column_classes = column_classes;
  background.channels = channels;
  background.stride = padded(channels);
  background.values.assign(background.stride * row_classes * column_classes + kKernelPad, 0.0F);
  background.all_zero = false;
  return background;
}

/// First position of each class.
std::vector<uint32_t> representatives(const std::vector<uint32_t>& classes, uint32_t count) {
  std::vector<uint32_t> first(count, 0);
  for (size_t i = classes.size(); i-- > 0;) first[classes[i]] = static_cast<uint32_t>(i);
  return first;
}

Background make_base(const ConvLayer& layer, const Background& input, const ConvGeometry& geometry,
                     LoadBudget& budget) {
  Background base =
      empty_background(geometry.y.out_class, geometry.y.out_classes, geometry.x.out_class,
                       geometry.x.out_classes, layer.filters, budget);
  const double variants = static_cast<double>(geometry.y.out_classes) * geometry.x.out_classes;
  const double weights = input.all_zero ? layer.filters : static_cast<double>(layer.weights.size());
  budget.spend(kMultiplyWork * weights * variants, kBorders);
  float* to = base.values.data();
  for (const uint32_t y : representatives(geometry.y.out_class, geometry.y.out_classes)) {
    for (const uint32_t x : representatives(geometry.x.out_class, geometry.x.out_classes)) {
      const std::vector<double> sums = answer(layer, input, y, x);
      std::transform(sums.begin(), sums.end(), to,
                     [](double sum) { return static_cast<float>(sum); });
      to += base.stride;
    }
  }
  return base;
}

Background make_pooled(const ConvLayer& layer, const ConvGeometry& geometry, LoadBudget& budget) {
  std::vector<uint32_t> rows, columns;
  for (const auto& window : geometry.y.windows) rows.push_back(window.class_of);
  for (const auto& window : geometry.x.windows) columns.push_back(window.class_of);
  Background pooled = empty_background(rows, geometry.y.window_classes, columns,
                                       geometry.x.window_classes, layer.filters, budget);
  budget.spend(static_cast<double>(geometry.y.window_classes) * geometry.x.window_classes *
                   layer.filters * layer.pool.kernel_h * layer.pool.kernel_w,
               kBorders);
  float* to = pooled.values.data();
  for (const uint32_t py : representatives(rows, geometry.y.window_classes)) {
    for (const uint32_t px : representatives(columns, geometry.x.window_classes)) {
      const auto& wy = geometry.y.windows[py];
      const auto& wx = geometry.x.windows[px];
      for (uint32_t f = 0; f < layer.filters; ++f) {
        float most = -std::numeric_limits<float>::infinity();
        for (uint32_t y = wy.begin; y < wy.end; ++y) {
          for (uint32_t x = wx.begin; x < wx.end; ++x) {
            most = std::max(most, geometry.base.at(y, x)[f]);
          }
        }
        to[f] = layer.relu ? std::max(most, 0.0F) : most;
      }
      to += pooled.stride;
    }
  }
  pooled.all_zero = std::all_of(pooled.values.begin(), pooled.values.end(),
                                [](float value) { return value == 0; });
  return pooled;
}

double axis_work(double in, double stride, double out, double kernel, double pooled,
                 double pool_kernel) {
  const double inputs_of_window = std::min(in, pool_kernel * stride + kernel);
  return kKeyWork * (in + out * kernel + pooled * pool_kernel) + 3 * pooled * inputs_of_window;
}

}  // namespace

Background empty_picture(uint32_t height, uint32_t width) {
  Background background;
  background.row_class.assign(height, 0);
  background.column_class.assign(width, 0);
  background.values.assign(1, 0.0F);
  return background;
}

ConvGeometry make_geometry(const ConvLayer& layer, const Background& input, LoadBudget& budget) {
  const PoolShape& pool = layer.pool;
  ConvGeometry geometry;
  budget.spend(axis_work(layer.in_h, layer.stride_h, layer.out_h, layer.kernel_h, pool.out_h,
                         pool.kernel_h) +
                   axis_work(layer.in_w, layer.stride_w, layer.out_w, layer.kernel_w, pool.out_w,
                             pool.kernel_w),
               kBorders);
  geometry.y = make_axis({layer.in_h, layer.kernel_h, layer.stride_h, layer.pad_top, layer.out_h,
                          pool.kernel_h, pool.stride_h, pool.pad_top, pool.out_h},
                         input.row_class, input.all_zero);
  geometry.x = make_axis({layer.in_w, layer.kernel_w, layer.stride_w, layer.pad_left, layer.out_w,
                          pool.kernel_w, pool.stride_w, pool.pad_left, pool.out_w},
                         input.column_class, input.all_zero);
  geometry.base = make_base(layer, input, geometry, budget);
  geometry.pooled = make_pooled(layer, geometry, budget);
  return geometry;
}

}  // namespace flowmark
