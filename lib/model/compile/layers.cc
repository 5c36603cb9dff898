// Dense layers, activations and what is folded into layers.
#include <cmath>

#include "model/compile/graph_compiler.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxUnits = 1 << 16;  // outputs of a dense layer
constexpr double kWeightWork = 4;        // to place a weight, and to fold a scaler in

}  // namespace

void GraphCompiler::require_scores_open(const OnnxNode& node) const {
  if (transformed_ || forest_) refuse(node, "it comes after the probabilities");
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
  spend(node, static_cast<double>(weights.size()));
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
  const auto count = static_cast<double>(values.size());
  reserve(node, count * sizeof(float));
  spend(node, count * kWeightWork);
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
  flow_->place = ElementOrder(layer.outputs);
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
