// Convolutions, pooling, dense layers and what is folded into them.
#include <cmath>
#include <numeric>

#include "model/graph_compiler.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxSide = 1 << 10;     // of a kernel, stride or padding
constexpr uint32_t kMaxPicture = 1 << 14;  // rows or columns of a convolution's input
constexpr size_t kMaxLayers = 64;
constexpr uint32_t kMaxChannels = 1 << 12;  // filters of a convolution
constexpr uint32_t kMaxUnits = 1 << 16;     // outputs of a dense layer

/// Channels-first [1, C, H, W] over the plan's order [y][x][channel].
std::vector<uint32_t> picture_places(uint32_t channels, uint32_t height, uint32_t width) {
  std::vector<uint32_t> place;
  place.reserve(size_t{channels} * height * width);
  for (uint32_t c = 0; c < channels; ++c) {
    for (uint32_t cell = 0; cell < height * width; ++cell) place.push_back(cell * channels + c);
  }
  return place;
}

}  // namespace

void GraphCompiler::require_picture(const OnnxNode& node) const {
  const auto& dims = flow_->dims;
  if (dims.size() != 4 || dims[0] != 1) {
    refuse(node, "it reads {}; a picture [1, channels, height, width] is needed", dims_text(dims));
  }
  const auto channels = static_cast<uint32_t>(dims[1]);
  const auto cells = static_cast<uint32_t>(dims[2] * dims[3]);
  for (uint32_t c = 0; c < channels; ++c) {
    for (uint32_t cell = 0; cell < cells; ++cell) {
      if (flow_->place[size_t{c} * cells + cell] != cell * channels + c) {
        refuse(node, "the axes of its input are not in the order channels, height, width");
      }
    }
  }
}

void GraphCompiler::require_scores_open(const OnnxNode& node) const {
  if (transformed_ || forest_) refuse(node, "it comes after the probabilities");
}

void GraphCompiler::pad(const OnnxNode& node) {
  require_scores_open(node);
  if (text(node, "mode", "constant") != "constant") refuse(node, "only constant padding is read");
  std::vector<int64_t> pads = integers(node, "pads");
  float value = number(node, "value", 0);
  if (node.inputs.size() > 1) {
    pads = require_constant(node, 1, "pads").ints;
    if (node.inputs.size() > 2 && !node.inputs[2].empty()) {
      const auto& values = require_floats(node, 2, "padding value");
      value = values.empty() ? 0 : values[0];
    }
    if (node.inputs.size() > 3) refuse(node, "padding by axes is not read");
  }
  require_picture(node);
  if (value != 0) refuse(node, "only padding with zeros is accepted");
  if (pads.size() != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0) {
    refuse(node, "only height and width can be padded");
  }
  for (const int64_t side : pads) {
    if (side < 0 || side > kMaxSide) refuse(node, "padding of {} is not accepted", side);
  }
  padding_.top += static_cast<uint32_t>(pads[2]);
  padding_.left += static_cast<uint32_t>(pads[3]);
  padding_.bottom += static_cast<uint32_t>(pads[6]);
  padding_.right += static_cast<uint32_t>(pads[7]);
}

GraphCompiler::Window GraphCompiler::read_window(const OnnxNode& node,
                                                 std::array<uint32_t, 2> kernel, bool pool) {
  const auto pair = [&](const char* name, int64_t least) {
    const std::vector<int64_t> values = integers(node, name);
    if (!values.empty() && values.size() != 2) refuse(node, "{} needs two numbers", name);
    for (const int64_t v : values) {
      if (v < least || v > kMaxSide) refuse(node, "{} of {} is not accepted", name, v);
    }
    return values;
  };
  Window window;
  window.kernel = kernel;
  if (const auto shape = pair("kernel_shape", 1); !shape.empty()) {
    const std::array<uint32_t, 2> said{static_cast<uint32_t>(shape[0]),
                                       static_cast<uint32_t>(shape[1])};
    if (!pool && said != kernel) refuse(node, "kernel_shape is not that of its weights");
    window.kernel = said;
  } else if (pool) {
    refuse(node, "kernel_shape is missing");
  }
  for (const int64_t d : pair("dilations", 1)) {
    if (d != 1) refuse(node, "dilations other than 1 are not accepted");
  }
  if (const auto strides = pair("strides", 1); !strides.empty()) {
    window.stride = {static_cast<uint32_t>(strides[0]), static_cast<uint32_t>(strides[1])};
  }
  const std::string automatic = text(node, "auto_pad", "NOTSET");
  const std::vector<int64_t> pads = integers(node, "pads");
  if (!pads.empty() && pads.size() != 4) refuse(node, "pads needs four numbers");
  const bool ceil = pool && integer(node, "ceil_mode", 0) != 0;
  const std::array<uint32_t, 2> before{padding_.top, padding_.left};
  const std::array<uint32_t, 2> after{padding_.bottom, padding_.right};
  for (size_t axis = 0; axis < 2; ++axis) {
    const auto size = static_cast<uint32_t>(flow_->dims[2 + axis]);
    const uint32_t padded = size + before[axis] + after[axis];
    const uint32_t k = window.kernel[axis], s = window.stride[axis];
    uint32_t begin = 0, end = 0;
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const uint32_t out = (padded + s - 1) / s;
      const uint32_t reach = (out - 1) * s + k;
      const uint32_t total = reach > padded ? reach - padded : 0;
      begin = automatic == "SAME_LOWER" ? total - total / 2 : total / 2;
      end = total - begin;
    } else if (automatic == "NOTSET") {
      for (const int64_t v : pads) {
        if (v < 0 || v > kMaxSide) refuse(node, "padding of {} is not accepted", v);
      }
      begin = pads.empty() ? 0 : static_cast<uint32_t>(pads[axis]);
      end = pads.empty() ? 0 : static_cast<uint32_t>(pads[axis + 2]);
    } else if (automatic != "VALID") {
      refuse(node, "auto_pad '{}' is not known", automatic);
    }
    if (padded + begin + end < k) {
      refuse(node, "its kernel of {} is larger than its input of {}", k, padded + begin + end);
    }
    const uint32_t rest = padded + begin + end - k;
    window.out[axis] = (ceil ? (rest + s - 1) / s : rest / s) + 1;
    // A window must begin inside the tensor or its padding before (ceil_mode could exceed it).
    if (ceil && (window.out[axis] - 1) * s >= padded + begin) --window.out[axis];
    window.begin[axis] = begin + before[axis];
    window.end[axis] = end + after[axis];
  }
  padding_ = {};
  return window;
}

void GraphCompiler::conv(const OnnxNode& node) {
  require_scores_open(node);
  require_picture(node);
  if (!network_.dense.empty()) refuse(node, "a convolution after a dense layer is not accepted");
  if (!scaler_scale_.empty()) refuse(node, "a Scaler before a convolution is not accepted");
  const OnnxTensor& weights = require_constant(node, 1, "weights");
  const std::vector<float>& values = require_floats(node, 1, "weights");
  const auto& dims = flow_->dims;
  if (weights.dims.size() != 4 || weights.dims[1] != dims[1] || weights.dims[0] < 1 ||
      weights.dims[0] > kMaxChannels || weights.dims[2] < 1 || weights.dims[3] < 1 ||
      weights.dims[2] > kMaxSide || weights.dims[3] > kMaxSide) {
    refuse(node, "its weights {} do not fit its input {}", dims_text(weights.dims),
           dims_text(dims));
  }
  if (dims[2] > kMaxPicture || dims[3] > kMaxPicture) {
    refuse(node, "its input {} is too large", dims_text(dims));
  }
  if (network_.convs.size() == kMaxLayers) refuse(node, "at most {} are accepted", kMaxLayers);
  if (integer(node, "group", 1) != 1) refuse(node, "grouped convolutions are not accepted");
  ConvLayer layer;
  const Window window = read_window(
      node, {static_cast<uint32_t>(weights.dims[2]), static_cast<uint32_t>(weights.dims[3])},
      false);
  layer.in_channels = static_cast<uint32_t>(dims[1]);
  layer.in_h = static_cast<uint32_t>(dims[2]);
  layer.in_w = static_cast<uint32_t>(dims[3]);
  layer.filters = static_cast<uint32_t>(weights.dims[0]);
  layer.kernel_h = window.kernel[0];
  layer.kernel_w = window.kernel[1];
  layer.stride_h = window.stride[0];
  layer.stride_w = window.stride[1];
  layer.pad_top = window.begin[0];
  layer.pad_left = window.begin[1];
  layer.pad_bottom = window.end[0];
  layer.pad_right = window.end[1];
  layer.out_h = window.out[0];
  layer.out_w = window.out[1];
  layer.pool.out_h = layer.out_h;
  layer.pool.out_w = layer.out_w;
  layer.weights = values;
  layer.bias.assign(layer.filters, 0.0F);
  if (node.inputs.size() > 2 && !node.inputs[2].empty()) {
    layer.bias = require_floats(node, 2, "bias");
    if (layer.bias.size() != layer.filters) {
      refuse(node, "its bias has {} values for {} filters", layer.bias.size(), layer.filters);
    }
  }
  if (uint64_t{layer.out_h} * layer.out_w * layer.filters > (1u << 28)) {
    refuse(node, "its output of {} x {} x {} is too large", layer.filters, layer.out_h,
           layer.out_w);
  }
  flow_->dims = {1, layer.filters, layer.out_h, layer.out_w};
  flow_->place = picture_places(layer.filters, layer.out_h, layer.out_w);
  network_.convs.push_back(std::move(layer));
}

void GraphCompiler::max_pool(const OnnxNode& node) {
  require_scores_open(node);
  require_picture(node);
  if (network_.convs.empty() || !network_.dense.empty() ||
      !network_.convs.back().pool.is_identity()) {
    refuse(node, "it must follow a convolution; there is one pooling a convolution");
  }
  ConvLayer& layer = network_.convs.back();
  if (padding_.any() && !layer.relu) {
    refuse(node, "a Pad before it that a Relu does not precede would win against negative values");
  }
  if (integer(node, "storage_order", 0) != 0) refuse(node, "storage_order 1 is not accepted");
  const Window window = read_window(node, {1, 1}, true);
  for (size_t axis = 0; axis < 2; ++axis) {
    const uint32_t size = axis == 0 ? layer.out_h : layer.out_w;
    const uint32_t last = (window.out[axis] - 1) * window.stride[axis];
    if (window.begin[axis] >= window.kernel[axis] || last >= size + window.begin[axis]) {
      refuse(node, "a pooling window lies wholly in the padding");
    }
  }
  layer.pool = {window.kernel[0], window.kernel[1], window.stride[0], window.stride[1],
                window.begin[0],  window.begin[1],  window.out[0],    window.out[1]};
  flow_->dims = {1, layer.filters, window.out[0], window.out[1]};
  flow_->place = picture_places(layer.filters, window.out[0], window.out[1]);
}

void GraphCompiler::relu(const OnnxNode& node) {
  require_scores_open(node);
  if (!network_.dense.empty()) {
    activation(node, Activation::relu);
  } else if (!network_.convs.empty()) {
    network_.convs.back().relu = true;  // it commutes with max pooling
  } else {
    refuse(node, "it must follow a convolution or a dense layer");
  }
}

void GraphCompiler::activation(const OnnxNode& node, Activation kind) {
  require_scores_open(node);
  if (network_.dense.empty()) refuse(node, "it must follow a dense layer");
  if (network_.dense.back().activation != Activation::none) {
    refuse(node, "its input has an activation already");
  }
  network_.dense.back().activation = kind;
}

void GraphCompiler::batch_normalization(const OnnxNode& node) {
  require_scores_open(node);
  const auto& scale = require_floats(node, 1, "scale");
  const auto& shift = require_floats(node, 2, "shift");
  const auto& mean = require_floats(node, 3, "mean");
  const auto& variance = require_floats(node, 4, "variance");
  if (integer(node, "training_mode", 0) != 0) refuse(node, "it is in training mode");
  const float epsilon = number(node, "epsilon", 1e-5F);
  const bool dense = !network_.dense.empty();
  if (!dense && network_.convs.empty()) refuse(node, "it must follow a convolution or dense layer");
  if (dense ? network_.dense.back().activation != Activation::none
            : network_.convs.back().relu || !network_.convs.back().pool.is_identity()) {
    refuse(node, "it must come before the activation and the pooling, where it can be folded");
  }
  const size_t count = dense ? network_.dense.back().outputs : network_.convs.back().filters;
  if (scale.size() != count || shift.size() != count || mean.size() != count ||
      variance.size() != count) {
    refuse(node, "its parameters do not have {} values", count);
  }
  std::vector<float>& weights =
      dense ? network_.dense.back().weights : network_.convs.back().weights;
  std::vector<float>& bias = dense ? network_.dense.back().bias : network_.convs.back().bias;
  const size_t each = weights.size() / count;
  for (size_t c = 0; c < count; ++c) {
    const double factor = scale[c] / std::sqrt(double{variance[c]} + epsilon);
    if (!std::isfinite(factor))
      refuse(node, "variance {} of channel {} is not valid", variance[c], c);
    for (size_t i = 0; i < each; ++i) {
      float& weight = weights[dense ? i * count + c : c * each + i];
      weight = static_cast<float>(weight * factor);
    }
    bias[c] = static_cast<float>((double{bias[c]} - mean[c]) * factor + shift[c]);
  }
  require_finite(weights,
                 fmt::format("node '{}' (BatchNormalization): the folded weights", node.name));
}

void GraphCompiler::add(const OnnxNode& node) {
  require_scores_open(node);
  if (node.inputs.size() != 2) refuse(node, "it needs two inputs");
  const size_t other = node.inputs[0] == flow_->name ? 1 : 0;
  const std::vector<float>& values = require_floats(node, other, "summand");
  const auto& dims = require_constant(node, other, "summand").dims;
  const bool dense = !network_.dense.empty();
  if (dense ? network_.dense.back().activation != Activation::none
            : network_.convs.empty() || network_.convs.back().relu) {
    refuse(node, "only a bias right after a convolution or dense layer is accepted");
  }
  std::vector<float>& bias = dense ? network_.dense.back().bias : network_.convs.back().bias;
  // A bias of channels is [C, 1, 1] or [1, C, 1, 1]; of units [N] or [1, N]; or one number for all.
  const size_t trailing = dense ? 0 : 2;
  bool fits = values.size() == bias.size() && dims.size() > trailing;
  for (size_t i = 0; fits && i < dims.size(); ++i) {
    fits = i + 1 + trailing == dims.size() || dims[i] == 1;
  }
  if (!fits && values.size() != 1) {
    refuse(node, "its summand {} is no bias for {} outputs", dims_text(dims), bias.size());
  }
  for (size_t i = 0; i < bias.size(); ++i) bias[i] += values[values.size() == 1 ? 0 : i];
}

void GraphCompiler::gemm(const OnnxNode& node) {
  require_scores_open(node);
  if (node.inputs[0] != flow_->name) refuse(node, "its first input must be the data");
  if (integer(node, "transA", 0) != 0) refuse(node, "transA is not accepted");
  const float alpha = number(node, "alpha", 1), beta = number(node, "beta", 1);
  if (!std::isfinite(alpha) || !std::isfinite(beta)) refuse(node, "alpha or beta is not finite");
  add_dense(node, require_constant(node, 1, "weights"), integer(node, "transB", 0) != 0, alpha);
  if (node.inputs.size() < 3 || node.inputs[2].empty()) return;
  const std::vector<float>& bias = require_floats(node, 2, "bias");
  DenseLayer& layer = network_.dense.back();
  if (bias.size() != layer.outputs && bias.size() != 1) {
    refuse(node, "its bias has {} values for {} outputs", bias.size(), layer.outputs);
  }
  for (size_t i = 0; i < layer.outputs; ++i) {
    layer.bias[i] += beta * bias[bias.size() == 1 ? 0 : i];
  }
}

void GraphCompiler::mat_mul(const OnnxNode& node) {
  require_scores_open(node);
  if (node.inputs[0] != flow_->name) refuse(node, "its first input must be the data");
  add_dense(node, require_constant(node, 1, "weights"), false, 1);
}

void GraphCompiler::add_dense(const OnnxNode& node, const OnnxTensor& weights, bool transposed,
                              float scale) {
  const std::vector<float>& values = require_floats(node, 1, "weights");
  const auto& dims = flow_->dims;
  if (dims.size() != 2 || dims[0] != 1) {
    refuse(node, "it reads {}; a flat [1, n] is needed", dims_text(dims));
  }
  const size_t in = transposed ? 1 : 0;
  if (weights.dims.size() != 2 || weights.dims[in] != dims[1] || weights.dims[1 - in] < 1 ||
      weights.dims[1 - in] > kMaxUnits) {
    refuse(node, "its weights {} do not fit its input {}", dims_text(weights.dims),
           dims_text(dims));
  }
  if (network_.dense.size() == kMaxLayers) refuse(node, "at most {} are accepted", kMaxLayers);
  DenseLayer layer;
  layer.inputs = static_cast<uint32_t>(dims[1]);
  layer.outputs = static_cast<uint32_t>(weights.dims[1 - in]);
  layer.weights.resize(values.size());
  layer.bias.assign(layer.outputs, 0.0F);
  for (uint32_t i = 0; i < layer.inputs; ++i) {
    for (uint32_t o = 0; o < layer.outputs; ++o) {
      const float weight =
          values[transposed ? size_t{o} * layer.inputs + i : size_t{i} * layer.outputs + o];
      layer.weights[size_t{flow_->place[i]} * layer.outputs + o] = scale * weight;
    }
  }
  fold_scaler(node, layer);
  flow_->dims = {1, layer.outputs};
  flow_->place.resize(layer.outputs);
  std::iota(flow_->place.begin(), flow_->place.end(), 0U);
  network_.dense.push_back(std::move(layer));
}

/// (x - offset) * scale before the layer becomes part of its weights and bias.
void GraphCompiler::fold_scaler(const OnnxNode& node, DenseLayer& layer) {
  if (scaler_scale_.empty()) return;
  std::vector<double> bias(layer.bias.begin(), layer.bias.end());
  for (size_t i = 0; i < layer.inputs; ++i) {
    for (size_t o = 0; o < layer.outputs; ++o) {
      float& weight = layer.weights[i * layer.outputs + o];
      const double scaled = double{weight} * scaler_scale_[i];
      bias[o] -= scaled * scaler_offset_[i];
      weight = static_cast<float>(scaled);
    }
  }
  for (size_t o = 0; o < layer.outputs; ++o) layer.bias[o] = static_cast<float>(bias[o]);
  require_finite(layer.weights, fmt::format("node '{}': the scaled weights", node.name));
  require_finite(layer.bias, fmt::format("node '{}': the scaled bias", node.name));
  scaler_scale_.clear();
  scaler_offset_.clear();
}

void GraphCompiler::softmax(const OnnxNode& node) {
  require_scores_open(node);
  if (network_.dense.empty()) refuse(node, "it must follow a dense layer");
  if (network_.dense.back().activation != Activation::none) {
    refuse(node, "its input must be plain scores");
  }
  const auto opset = model_.opsets.find("");
  const int64_t otherwise = opset != model_.opsets.end() && opset->second >= 13 ? -1 : 1;
  const int64_t axis = integer(node, "axis", otherwise);
  if (axis != -1 && axis != 1) refuse(node, "axis {} is not that of the classes", axis);
  if (contract_.multilabel) refuse(node, "flowmark.multilabel is true; it takes a Sigmoid");
  network_.output.transform = OutputRule::Transform::softmax;
  transformed_ = true;
}

}  // namespace flowmark
