// Convolutions and pooling.

#include "model/compile/graph_compiler.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxSide = 1 << 10;      // of a kernel, stride or padding
constexpr uint32_t kMaxPicture = 1 << 14;   // rows or columns of a convolution's input
constexpr uint32_t kMaxChannels = 1 << 12;  // filters of a convolution

}  // namespace

void GraphCompiler::require_picture(const OnnxNode& node) const {
  const auto& dims = flow_->dims;
  if (dims.size() != 4 || dims[0] != 1) {
    refuse(node, "it reads {}; a picture [1, channels, height, width] is needed", dims_text(dims));
  }
  const auto channels = static_cast<uint32_t>(dims[1]);
  if (flow_->place.is_picture(channels)) return;
  spend(node, 2.0 * static_cast<double>(flow_->place.size()));
  const auto cells = static_cast<uint32_t>(dims[2] * dims[3]);
  for (uint32_t c = 0; c < channels; ++c) {
    for (uint32_t cell = 0; cell < cells; ++cell) {
      if (flow_->place[size_t{c} * cells + cell] != cell * channels + c) {
        refuse(node, "the axes of its input are not in the order channels, height, width");
      }
    }
  }
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
  reserve(node, static_cast<double>(values.size()) * sizeof(float));
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
  flow_->place = ElementOrder(layer.filters, size_t{layer.out_h} * layer.out_w);
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
  flow_->place = ElementOrder(layer.filters, size_t{window.out[0]} * window.out[1]);
}

}  // namespace flowmark
