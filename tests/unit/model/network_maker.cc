#include "unit/model/network_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flowmark::testing {
namespace {

std::vector<float> normal(size_t count, double scale, std::mt19937& random) {
  std::normal_distribution<double> distribution(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(distribution(random));
  return values;
}

uint32_t between(uint32_t low, uint32_t high, std::mt19937& random) {
  return std::uniform_int_distribution<uint32_t>(low, high)(random);
}

}  // namespace

NetworkPlan make_network(uint32_t height, uint32_t width, const std::vector<ConvSpec>& convs,
                         const std::vector<uint32_t>& dense, std::mt19937& random) {
  NetworkPlan plan;
  plan.inputs = height * width;
  uint32_t channels = 1;
  for (const ConvSpec& spec : convs) {
    ConvLayer layer;
    layer.in_channels = channels;
    layer.in_h = height;
    layer.in_w = width;
    layer.filters = spec.filters;
    layer.kernel_h = spec.kernel_h;
    layer.kernel_w = spec.kernel_w;
    layer.stride_h = spec.stride_h;
    layer.stride_w = spec.stride_w;
    layer.pad_top = spec.pad_top;
    layer.pad_left = spec.pad_left;
    layer.pad_bottom = spec.pad_bottom;
    layer.pad_right = spec.pad_right;
    layer.out_h = (height + spec.pad_top + spec.pad_bottom - spec.kernel_h) / spec.stride_h + 1;
    layer.out_w = (width + spec.pad_left + spec.pad_right - spec.kernel_w) / spec.stride_w + 1;
    layer.relu = spec.relu;
    layer.pool = {spec.pool_h,
                  spec.pool_w,
                  spec.pool_stride_h,
                  spec.pool_stride_w,
                  spec.pool_top,
                  spec.pool_left,
                  0,
                  0};
    // The padding behind is what makes the last window whole or leaves a rest out.
    layer.pool.out_h = (layer.out_h + spec.pool_top - spec.pool_h) / spec.pool_stride_h + 1;
    layer.pool.out_w = (layer.out_w + spec.pool_left - spec.pool_w) / spec.pool_stride_w + 1;
    const double inputs = double(channels) * spec.kernel_h * spec.kernel_w;
    layer.weights = normal(size_t{spec.filters} * channels * spec.kernel_h * spec.kernel_w,
                           std::sqrt(2 / inputs), random);
    layer.bias = normal(spec.filters, 0.3, random);
    channels = spec.filters;
    height = layer.pool.out_h;
    width = layer.pool.out_w;
    plan.convs.push_back(std::move(layer));
  }
  uint32_t inputs = channels * height * width;
  for (size_t i = 0; i < dense.size(); ++i) {
    DenseLayer layer;
    layer.inputs = inputs;
    layer.outputs = dense[i];
    layer.weights = normal(size_t{inputs} * dense[i], 1 / std::sqrt(double(inputs)), random);
    layer.bias = normal(dense[i], 0.1, random);
    layer.activation = i + 1 < dense.size() ? Activation::relu : Activation::none;
    inputs = dense[i];
    plan.dense.push_back(std::move(layer));
  }
  return plan;
}

NetworkPlan paper_network(uint32_t height, uint32_t width, uint32_t classes, std::mt19937& random) {
  ConvSpec conv;
  conv.kernel_h = conv.kernel_w = 10;
  conv.stride_h = conv.stride_w = 5;
  conv.pool_h = conv.pool_w = conv.pool_stride_h = conv.pool_stride_w = 2;
  const auto same = [](uint32_t size) {
    const uint32_t reach = ((size + 4) / 5 - 1) * 5 + 10;
    return reach > size ? reach - size : 0;
  };
  const auto pad = [&](ConvSpec spec, uint32_t filters, uint32_t h, uint32_t w) {
    spec.filters = filters;
    spec.pad_top = same(h) / 2;
    spec.pad_bottom = same(h) - spec.pad_top;
    spec.pad_left = same(w) / 2;
    spec.pad_right = same(w) - spec.pad_left;
    return spec;
  };
  const ConvSpec first = pad(conv, 10, height, width);
  ConvSpec second = pad(conv, 20, (height + 4) / 5 / 2, (width + 4) / 5 / 2);
  if (height < 100) {  // a second pooling would leave nothing
    second.pool_h = second.pool_w = second.pool_stride_h = second.pool_stride_w = 1;
  }
  return make_network(height, width, {first, second}, {64, classes}, random);
}

NetworkPlan lenet(uint32_t side, uint32_t classes, std::mt19937& random) {
  ConvSpec conv;
  conv.kernel_h = conv.kernel_w = 5;
  conv.pool_h = conv.pool_w = conv.pool_stride_h = conv.pool_stride_w = 2;
  ConvSpec first = conv, second = conv;
  first.filters = 6;
  second.filters = 16;
  return make_network(side, side, {first, second}, {120, 84, classes}, random);
}

NetworkPlan random_network(std::mt19937& random, std::string* text) {
  const uint32_t height = between(1, 70, random), width = between(1, 70, random);
  *text = fmt::format("{} x {}", height, width);
  std::vector<ConvSpec> convs;
  uint32_t h = height, w = width;
  const uint32_t count = between(1, 4, random);
  for (uint32_t i = 0; i < count; ++i) {
    ConvSpec spec;
    spec.filters = between(1, 36, random);
    spec.stride_h = between(1, 6, random);
    spec.stride_w = between(1, 6, random);
    spec.pad_top = between(0, 4, random);
    spec.pad_left = between(0, 4, random);
    spec.pad_bottom = between(0, 4, random);
    spec.pad_right = between(0, 4, random);
    spec.kernel_h = between(1, std::min(11u, h + spec.pad_top + spec.pad_bottom), random);
    spec.kernel_w = between(1, std::min(11u, w + spec.pad_left + spec.pad_right), random);
    spec.relu = between(0, 3, random) != 0;
    h = (h + spec.pad_top + spec.pad_bottom - spec.kernel_h) / spec.stride_h + 1;
    w = (w + spec.pad_left + spec.pad_right - spec.kernel_w) / spec.stride_w + 1;
    if (between(0, 3, random) != 0) {
      spec.pool_h = between(1, std::min(4u, h), random);
      spec.pool_w = between(1, std::min(4u, w), random);
      spec.pool_stride_h = between(1, 4, random);
      spec.pool_stride_w = between(1, 4, random);
      spec.pool_top = between(0, spec.pool_h - 1, random);
      spec.pool_left = between(0, spec.pool_w - 1, random);
    }
    h = (h + spec.pool_top - spec.pool_h) / spec.pool_stride_h + 1;
    w = (w + spec.pool_left - spec.pool_w) / spec.pool_stride_w + 1;
    *text += fmt::format(
        " | {} filters {}x{} stride {}x{} pad {},{},{},{} relu {} pool {}x{} stride {}x{} pad "
        "{},{}",
        spec.filters, spec.kernel_h, spec.kernel_w, spec.stride_h, spec.stride_w, spec.pad_top,
        spec.pad_left, spec.pad_bottom, spec.pad_right, spec.relu, spec.pool_h, spec.pool_w,
        spec.pool_stride_h, spec.pool_stride_w, spec.pool_top, spec.pool_left);
    convs.push_back(spec);
  }
  std::vector<uint32_t> dense;
  for (uint32_t i = between(0, 2, random); i > 0; --i) dense.push_back(between(1, 70, random));
  dense.push_back(between(2, 20, random));
  for (const uint32_t width_of : dense) *text += fmt::format(" | dense {}", width_of);
  return make_network(height, width, convs, dense, random);
}

}  // namespace flowmark::testing
