#include "learn/cnn/shape.h"

#include <cmath>

#include "base/error.h"
#include "base/keyed_random.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxSide = 4096;
constexpr uint32_t kMaxWidth = 4096;  // filters or outputs of a layer
constexpr uint64_t kMaxParameters = 100'000'000;

uint32_t conv_out(uint32_t in, const CnnConv& conv) {
  const uint32_t padded = in + conv.pad_before + conv.pad_after;
  return padded < conv.kernel ? 0 : (padded - conv.kernel) / conv.stride + 1;
}

void check_conv(const CnnConv& conv, const std::string& name) {
  if (conv.filters < 1 || conv.filters > kMaxWidth) {
    fail("{}: {} filters, must be 1 to {}", name, conv.filters, kMaxWidth);
  }
  if (conv.kernel < 1 || conv.kernel > 64) {
    fail("{}: kernel {}, must be 1 to 64", name, conv.kernel);
  }
  if (conv.stride < 1 || conv.stride > 64) {
    fail("{}: stride {}, must be 1 to 64", name, conv.stride);
  }
  if (conv.pad_before >= conv.kernel || conv.pad_after >= conv.kernel) {
    fail("{}: padding of {} and {}, must be less than the kernel {}", name, conv.pad_before,
         conv.pad_after, conv.kernel);
  }
  if (conv.pool < 1 || conv.pool > 8) {
    fail("{}: pooling over {}, must be 1 (none) to 8", name, conv.pool);
  }
}

void check_share(double share, const std::string& name) {
  if (!(share >= 0 && share < 1)) {
    fail("{} {}, must be at least 0 and less than 1", name, share);
  }
}

void draw(std::vector<float>& values, double bound, const KeyedRandom& random) {
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((2 * random.uniform(i) - 1) * bound);
  }
}

void draw_layer(CnnParameters::Layer& layer, double fan_in, double fan_out, CnnInit init,
                const KeyedRandom& random) {
  switch (init) {
    case CnnInit::pytorch:
      draw(layer.weights, 1 / std::sqrt(fan_in), random.sub(0));
      draw(layer.bias, 1 / std::sqrt(fan_in), random.sub(1));
      break;
    case CnnInit::he:
      draw(layer.weights, std::sqrt(6 / fan_in), random.sub(0));
      break;
    case CnnInit::glorot:
      draw(layer.weights, std::sqrt(6 / (fan_in + fan_out)), random.sub(0));
      break;
  }
}

/// Inputs of dense layer `index`, then its outputs.
std::pair<uint32_t, uint32_t> dense_size(const CnnShape& shape, size_t index) {
  return {index == 0 ? shape.flat_size() : shape.hidden[index - 1].outputs,
          index < shape.hidden.size() ? shape.hidden[index].outputs : shape.classes};
}

void check_layer(const CnnParameters::Layer& layer, const CnnParameters::Layer& right,
                 const std::string& name) {
  if (layer.weights.size() != right.weights.size() || layer.bias.size() != right.bias.size()) {
    fail("{}: {} weights and {} biases, must be {} and {}", name, layer.weights.size(),
         layer.bias.size(), right.weights.size(), right.bias.size());
  }
  for (const std::vector<float>* numbers : {&layer.weights, &layer.bias}) {
    for (const float number : *numbers) {
      if (!std::isfinite(number)) {
        fail("{}: a weight is {}, must be finite", name, number);
      }
    }
  }
}

}  // namespace

CnnShape CnnShape::flowpic(uint32_t height, uint32_t width, uint32_t classes) {
  return {height,
          width,
          {{10, 10, 5, 2, 3, 2}, {20, 10, 5, 2, 3, 2}},
          0.25,
          CnnDropoutPlace::pooled,
          {{64, 0.5}},
          classes};
}

CnnShape CnnShape::lenet(uint32_t height, uint32_t width, uint32_t classes) {
  return {height,
          width,
          {{6, 5, 1, 0, 0, 2}, {16, 5, 1, 0, 0, 2}},
          0.25,
          CnnDropoutPlace::pooled,
          {{120, 0}, {84, 0.5}},
          classes};
}

CnnShape CnnShape::for_picture(uint32_t height, uint32_t width, uint32_t classes) {
  return height >= 200 && width >= 200 ? flowpic(height, width, classes)
                                       : lenet(height, width, classes);
}

std::vector<std::pair<uint32_t, uint32_t>> CnnShape::pooled_sizes() const {
  std::vector<std::pair<uint32_t, uint32_t>> sizes;
  uint32_t h = height;
  uint32_t w = width;
  for (const CnnConv& conv : convs) {
    h = conv_out(h, conv) / conv.pool;
    w = conv_out(w, conv) / conv.pool;
    sizes.emplace_back(h, w);
  }
  return sizes;
}

uint32_t CnnShape::flat_size() const {
  const auto [h, w] = pooled_sizes().back();
  return h * w * convs.back().filters;
}

void CnnShape::check(const std::string& where) const {
  if (height < 1 || width < 1 || height > kMaxSide || width > kMaxSide) {
    fail("{}: a picture of {} x {}, must be 1 x 1 to {} x {}", where, height, width, kMaxSide,
         kMaxSide);
  }
  if (convs.empty() || convs.size() > 8 || hidden.size() > 8) {
    fail("{}: {} convolutions and {} dense layers, must be 1 to 8 and 0 to 8", where, convs.size(),
         hidden.size());
  }
  if (classes < 2 || classes > kMaxWidth) {
    fail("{}: {} classes, must be 2 to {}", where, classes, kMaxWidth);
  }
  for (size_t i = 0; i < convs.size(); ++i) {
    const std::string name = fmt::format("{}: convolution {}", where, i + 1);
    check_conv(convs[i], name);
    const auto [h, w] = pooled_sizes()[i];
    if (h == 0 || w == 0) {
      fail("{}: the picture before it is too small for its kernel and pooling", name);
    }
  }
  check_share(conv_dropout, where + ": dropout of the convolutions");
  for (const CnnHidden& layer : hidden) {
    if (layer.outputs < 1 || layer.outputs > kMaxWidth) {
      fail("{}: a dense layer of {} outputs, must be 1 to {}", where, layer.outputs, kMaxWidth);
    }
    check_share(layer.dropout, where + ": dropout behind a dense layer");
  }
  if (parameter_count() > kMaxParameters) {
    fail("{}: {} parameters, at most {}", where, parameter_count(), kMaxParameters);
  }
}

uint64_t CnnShape::parameter_count() const {
  uint64_t count = 0;
  uint64_t channels = 1;
  for (const CnnConv& conv : convs) {
    count += (channels * conv.kernel * conv.kernel + 1) * conv.filters;
    channels = conv.filters;
  }
  for (size_t i = 0; i <= hidden.size(); ++i) {
    const auto [inputs, outputs] = dense_size(*this, i);
    count += (uint64_t{inputs} + 1) * outputs;
  }
  return count;
}

CnnParameters CnnParameters::zeros(const CnnShape& shape) {
  CnnParameters out;
  size_t channels = 1;
  for (const CnnConv& conv : shape.convs) {
    const size_t weights = conv.filters * channels * conv.kernel * conv.kernel;
    out.convs.push_back({std::vector<float>(weights), std::vector<float>(conv.filters)});
    channels = conv.filters;
  }
  for (size_t i = 0; i <= shape.hidden.size(); ++i) {
    const auto [inputs, outputs] = dense_size(shape, i);
    out.dense.push_back(
        {std::vector<float>(size_t{inputs} * outputs), std::vector<float>(outputs)});
  }
  return out;
}

void CnnParameters::check(const CnnShape& shape, const std::string& where) const {
  const CnnParameters right = zeros(shape);
  if (convs.size() != right.convs.size() || dense.size() != right.dense.size()) {
    fail("{}: {} convolutions and {} dense layers, must be {} and {}", where, convs.size(),
         dense.size(), right.convs.size(), right.dense.size());
  }
  for (size_t i = 0; i < convs.size(); ++i) {
    check_layer(convs[i], right.convs[i], fmt::format("{}: convolution {}", where, i + 1));
  }
  for (size_t i = 0; i < dense.size(); ++i) {
    check_layer(dense[i], right.dense[i], fmt::format("{}: dense layer {}", where, i + 1));
  }
}

CnnParameters initial_parameters(const CnnShape& shape, CnnInit init, uint64_t seed) {
  CnnParameters out = CnnParameters::zeros(shape);
  const KeyedRandom random = KeyedRandom(seed).sub(0x1417);
  double channels = 1;
  for (size_t i = 0; i < out.convs.size(); ++i) {
    const double area = double{1} * shape.convs[i].kernel * shape.convs[i].kernel;
    draw_layer(out.convs[i], channels * area, shape.convs[i].filters * area, init, random.sub(i));
    channels = shape.convs[i].filters;
  }
  for (size_t i = 0; i < out.dense.size(); ++i) {
    const auto [inputs, outputs] = dense_size(shape, i);
    draw_layer(out.dense[i], inputs, outputs, init, random.sub(100 + i));
  }
  return out;
}

}  // namespace flowmark
