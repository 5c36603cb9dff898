#include "learn/cnn/shape.h"

namespace flowmark {
namespace {

ConvLayer conv_layer(const CnnConv& conv, const CnnParameters::Layer& numbers, uint32_t channels,
                     uint32_t h, uint32_t w) {
  ConvLayer layer;
  layer.in_channels = channels;
  layer.in_h = h;
  layer.in_w = w;
  layer.filters = conv.filters;
  layer.kernel_h = layer.kernel_w = conv.kernel;
  layer.stride_h = layer.stride_w = conv.stride;
  layer.pad_top = layer.pad_left = conv.pad_before;
  layer.pad_bottom = layer.pad_right = conv.pad_after;
  const uint32_t pad = conv.pad_before + conv.pad_after;
  layer.out_h = (h + pad - conv.kernel) / conv.stride + 1;
  layer.out_w = (w + pad - conv.kernel) / conv.stride + 1;
  layer.relu = true;
  layer.pool.kernel_h = layer.pool.kernel_w = conv.pool;
  layer.pool.stride_h = layer.pool.stride_w = conv.pool;
  layer.pool.out_h = layer.out_h / conv.pool;
  layer.pool.out_w = layer.out_w / conv.pool;
  layer.weights = numbers.weights;
  layer.bias = numbers.bias;
  return layer;
}

}  // namespace

NetworkPlan to_network_plan(const CnnShape& shape, const CnnParameters& parameters) {
  shape.check("network");
  parameters.check(shape, "network");
  NetworkPlan plan;
  plan.inputs = shape.height * shape.width;
  uint32_t channels = 1;
  uint32_t h = shape.height;
  uint32_t w = shape.width;
  for (size_t i = 0; i < shape.convs.size(); ++i) {
    plan.convs.push_back(conv_layer(shape.convs[i], parameters.convs[i], channels, h, w));
    channels = shape.convs[i].filters;
    h = plan.convs.back().pool.out_h;
    w = plan.convs.back().pool.out_w;
  }
  for (size_t i = 0; i < parameters.dense.size(); ++i) {
    const CnnParameters::Layer& numbers = parameters.dense[i];
    DenseLayer layer;
    layer.outputs = static_cast<uint32_t>(numbers.bias.size());
    layer.inputs = static_cast<uint32_t>(numbers.weights.size() / numbers.bias.size());
    layer.bias = numbers.bias;
    layer.activation = i + 1 < parameters.dense.size() ? Activation::relu : Activation::none;
    layer.weights.resize(numbers.weights.size());
    for (size_t in = 0; in < layer.inputs; ++in) {
      // Behind the convolutions [channel][y][x] becomes [y][x][channel].
      const size_t at = i > 0 ? in : in % (h * w) * channels + in / (h * w);
      for (size_t out = 0; out < layer.outputs; ++out) {
        layer.weights[at * layer.outputs + out] = numbers.weights[out * layer.inputs + in];
      }
    }
    plan.dense.push_back(std::move(layer));
  }
  plan.output.transform = OutputRule::Transform::softmax;
  return plan;
}

}  // namespace flowmark
