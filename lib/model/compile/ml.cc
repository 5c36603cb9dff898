// The operators of ai.onnx.ml, as skl2onnx and its kin write them.
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "model/compile/graph_compiler.h"

namespace flowmark {

void GraphCompiler::scaler(const OnnxNode& node) {
  require_scores_open(node);
  if (!network_.convs.empty() || !network_.dense.empty()) {
    refuse(node, "it is accepted at the graph's input only");
  }
  if (!scaler_scale_.empty()) refuse(node, "one Scaler is accepted");
  std::vector<float> offset = numbers(node, "offset"), scale = numbers(node, "scale");
  const size_t inputs = flow_->place.size();
  reserve(node, 2.0 * static_cast<double>(inputs) * sizeof(float));
  spend(node, 2.0 * static_cast<double>(inputs));
  for (auto* values : {&offset, &scale}) {
    if (values->empty()) values->assign(1, values == &scale ? 1.0F : 0.0F);
    if (values->size() == 1) values->assign(inputs, values->front());
    if (values->size() != inputs) {
      refuse(node, "offset and scale need 1 or {} values, not {}", inputs, values->size());
    }
    require_finite(*values, fmt::format("node '{}' (Scaler)", node.name));
  }
  scaler_offset_ = std::move(offset);
  scaler_scale_ = std::move(scale);
}

void GraphCompiler::normalizer(const OnnxNode& node) {
  if (text(node, "norm", "MAX") != "L1") refuse(node, "only the norm L1 is accepted");
  if (!transformed_) refuse(node, "it is accepted after the probabilities only");
  OutputRule& rule = forest_ ? forest_->output : network_.output;
  rule.normalize = true;
}

size_t GraphCompiler::label_count(const OnnxNode& node) const {
  const auto* names = find(node, "classlabels_strings", OnnxAttribute::Type::texts);
  if (names == nullptr || names->strings.empty()) {
    const char* key = node.op == "LinearClassifier" ? "classlabels_ints" : "classlabels_int64s";
    return integers(node, key).size();
  }
  for (size_t i = 0; i < names->strings.size() && i < contract_.classes.size(); ++i) {
    if (names->strings[i] != contract_.classes[i]) {
      refuse(node, "class {} is '{}' here and '{}' in flowmark.classes", i, names->strings[i],
             contract_.classes[i]);
    }
  }
  return names->strings.size();
}

OutputRule::Transform GraphCompiler::post_transform(const OnnxNode& node) const {
  const std::string name = text(node, "post_transform", "NONE");
  if (name == "NONE") return OutputRule::Transform::none;
  if (name == "SOFTMAX") return OutputRule::Transform::softmax;
  if (name == "LOGISTIC") return OutputRule::Transform::logistic;
  refuse(node, "post_transform '{}' is not accepted; NONE, SOFTMAX and LOGISTIC are", name);
}

void GraphCompiler::linear_classifier(const OnnxNode& node) {
  require_scores_open(node);
  if (!network_.convs.empty() || !network_.dense.empty()) {
    refuse(node, "it is accepted at the graph's input only");
  }
  const std::vector<float>& weights = numbers(node, "coefficients");
  reserve(node, static_cast<double>(weights.size()) * sizeof(float));
  spend(node, 4.0 * static_cast<double>(weights.size()));
  std::vector<float> intercepts = numbers(node, "intercepts");
  const size_t inputs = flow_->place.size();
  if (weights.empty() || weights.size() % inputs != 0) {
    refuse(node, "it has {} coefficients for {} inputs", weights.size(), inputs);
  }
  DenseLayer layer;
  layer.inputs = static_cast<uint32_t>(inputs);
  layer.outputs = static_cast<uint32_t>(weights.size() / inputs);
  if (intercepts.empty()) intercepts.assign(layer.outputs, 0.0F);
  if (intercepts.size() != layer.outputs) {
    refuse(node, "it has {} intercepts for {} rows of coefficients", intercepts.size(),
           layer.outputs);
  }
  require_finite(weights, fmt::format("node '{}' (LinearClassifier): coefficients", node.name));
  require_finite(intercepts, fmt::format("node '{}' (LinearClassifier): intercepts", node.name));
  layer.weights.resize(weights.size());
  for (size_t o = 0; o < layer.outputs; ++o) {
    for (size_t i = 0; i < inputs; ++i) {
      layer.weights[size_t{flow_->place[i]} * layer.outputs + o] = weights[o * inputs + i];
    }
  }
  layer.bias = std::move(intercepts);
  fold_scaler(node, layer);
  const size_t labels = label_count(node);
  OutputRule& rule = network_.output;
  rule.transform = post_transform(node);
  transformed_ = rule.transform != OutputRule::Transform::none;
  if (layer.outputs == 1 && labels == 2) rule.pair = OutputRule::Pair::one_minus;
  if (transformed_ && contract_.multilabel && rule.transform == OutputRule::Transform::softmax) {
    refuse(node, "flowmark.multilabel is true; it takes the post_transform LOGISTIC");
  }
  flow_->dims = {1, rule.pair == OutputRule::Pair::no ? int64_t{layer.outputs} : 2};
  flow_->place = ElementOrder(static_cast<size_t>(flow_->dims[1]));
  network_.linear_op = true;
  network_.dense.push_back(std::move(layer));
}

}  // namespace flowmark
