#include "model/compile/compile.h"

#include <algorithm>
#include <cmath>

#include "model/compile/graph_compiler.h"

namespace flowmark {
namespace {

constexpr const char* kMl = "ai.onnx.ml";
constexpr double kVisitWork = 2000;  // of the compiler, whatever the node

}  // namespace

std::string dims_text(const std::vector<int64_t>& dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    out += (i == 0 ? "" : ", ") + (dims[i] < 0 ? "N" : std::to_string(dims[i]));
  }
  return out + "]";
}

std::string GraphCompiler::place_of(const OnnxNode& node) {
  return fmt::format("node '{}' ({}{}{})", node.name, node.domain, node.domain.empty() ? "" : ".",
                     node.op);
}

uint64_t product(const std::vector<int64_t>& dims) noexcept {
  uint64_t count = 1;
  for (const int64_t dim : dims) count *= static_cast<uint64_t>(dim);
  return count;
}

void require_finite(const std::vector<float>& values, const std::string& what) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      fail("{} has the value {} at {}; every weight must be finite", what, values[i], i);
    }
  }
}

GraphCompiler::GraphCompiler(const OnnxModel& model, const GraphContract& contract,
                             LoadBudget& budget)
    : model_(model), contract_(contract), budget_(budget) {
  for (const OnnxTensor& tensor : model.initializers) constants_[tensor.name] = &tensor;
  network_.inputs = contract.input_length;
}

ModelPlan GraphCompiler::compile() {
  const std::string output = find_output();
  const std::vector<bool> needed = find_needed(output);
  start_flow();
  for (size_t i = 0; i < model_.nodes.size(); ++i) {
    if (needed[i]) visit(model_.nodes[i]);
  }
  if (flow_->name != output) {
    fail("output '{}' does not depend on the input '{}'", output, model_.inputs[0].name);
  }
  finish();
  if (forest_) return std::move(*forest_);
  return std::move(network_);
}

std::string GraphCompiler::find_output() const {
  const auto& outputs = model_.outputs;
  if (outputs.empty()) fail("the graph has no output");
  if (outputs.size() == 1) return outputs[0].name;
  for (const OnnxValue& output : outputs) {
    if (output.name == "probabilities" || output.name == "output_probability") return output.name;
  }
  const OnnxValue* found = nullptr;
  for (const OnnxValue& output : outputs) {
    if (!output.is_float) continue;
    if (found != nullptr) {
      fail("the graph has several outputs; name the one with the probabilities 'probabilities'");
    }
    found = &output;
  }
  if (found == nullptr) fail("none of the graph's outputs is a float tensor of probabilities");
  return found->name;
}

std::vector<bool> GraphCompiler::find_needed(const std::string& output) const {
  std::map<std::string, size_t> producer;
  for (size_t i = 0; i < model_.nodes.size(); ++i) {
    for (const std::string& name : model_.nodes[i].outputs) {
      if (!name.empty() && !producer.emplace(name, i).second) {
        fail("'{}' is the output of two nodes", name);
      }
    }
  }
  std::vector<bool> needed(model_.nodes.size(), false);
  std::vector<std::string> open{output};
  while (!open.empty()) {
    const auto found = producer.find(open.back());
    open.pop_back();
    if (found == producer.end() || needed[found->second]) continue;
    needed[found->second] = true;
    const auto& inputs = model_.nodes[found->second].inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return needed;
}

void GraphCompiler::start_flow() {
  if (model_.inputs.size() != 1) {
    fail("the graph has {} inputs; one is read", model_.inputs.size());
  }
  const OnnxValue& input = model_.inputs[0];
  const bool picture = contract_.height != 0;
  const std::string wanted = picture
                                 ? fmt::format("[1, 1, {}, {}]", contract_.height, contract_.width)
                                 : fmt::format("[1, {}]", contract_.input_length);
  if (!input.is_tensor || !input.is_float) {
    fail("input '{}' is no float tensor; {} is read", input.name, wanted);
  }
  std::vector<int64_t> dims = input.dims;
  const bool open = std::any_of(dims.begin() + (dims.empty() ? 0 : 1), dims.end(),
                                [](int64_t dim) { return dim < 0; });
  if (dims.empty() || open) {
    // An exporter that left the shape open takes what the feature specification says.
    const bool flat = !picture || dims.size() == 2;
    dims = flat ? std::vector<int64_t>{1, contract_.input_length}
                : std::vector<int64_t>{1, 1, contract_.height, contract_.width};
  }
  if (dims[0] < 0) dims[0] = 1;
  std::vector<int64_t> squeezed;
  for (const int64_t dim : dims) {
    if (dim != 1) squeezed.push_back(dim);
  }
  // [.., H, W] and the flat vector have the same order in memory; ones in between change nothing.
  std::vector<int64_t> flat, rows;
  if (contract_.input_length != 1) flat.push_back(contract_.input_length);
  for (const uint32_t side : {contract_.height, contract_.width}) {
    if (side > 1) rows.push_back(side);
  }
  if (squeezed != flat && !(picture && squeezed == rows)) {
    fail("input '{}' has the shape {}; flowmark.input makes it {}", input.name,
         dims_text(input.dims), wanted);
  }
  Flow flow{input.name, dims, ElementOrder(contract_.input_length)};
  dims_of_[flow.name] = flow.dims;
  flow_ = std::move(flow);
}

void GraphCompiler::visit(const OnnxNode& node) {
  spend(node, kVisitWork);
  if (fold_constant(node) || take_squares(node)) return;
  using Handler = void (GraphCompiler::*)(const OnnxNode&);
  static const std::map<std::string, Handler> handlers{
      {"Reshape", &GraphCompiler::reshape},
      {"Flatten", &GraphCompiler::reshape},
      {"Squeeze", &GraphCompiler::reshape},
      {"Unsqueeze", &GraphCompiler::reshape},
      {"Transpose", &GraphCompiler::transpose},
      {"Pad", &GraphCompiler::pad},
      {"Conv", &GraphCompiler::conv},
      {"MaxPool", &GraphCompiler::max_pool},
      {"Relu", &GraphCompiler::relu},
      {"BatchNormalization", &GraphCompiler::batch_normalization},
      {"Add", &GraphCompiler::add},
      {"Gemm", &GraphCompiler::gemm},
      {"MatMul", &GraphCompiler::mat_mul},
      {"Softmax", &GraphCompiler::softmax},
      {std::string(kMl) + ".Scaler", &GraphCompiler::scaler},
      {std::string(kMl) + ".Normalizer", &GraphCompiler::normalizer},
      {std::string(kMl) + ".LinearClassifier", &GraphCompiler::linear_classifier},
      {std::string(kMl) + ".TreeEnsembleClassifier", &GraphCompiler::tree_ensemble},
  };
  const std::string op = node.domain.empty() ? node.op : node.domain + "." + node.op;
  const std::string& produced = node.outputs.empty() ? flow_->name : node.outputs[0];
  if (network_.squares && network_.dense.empty() && op != "Gemm" && op != "MatMul") {
    refuse(node, "a Gemm or MatMul must follow on the input joined with its squares");
  }
  if (op == "Identity" || op == "Dropout" || op == "Cast" || op == std::string(kMl) + ".ZipMap") {
    require_flow(node);
  } else if (op == "Sigmoid" || op == "Tanh") {
    require_flow(node);
    activation(node, op == "Tanh" ? Activation::tanh : Activation::sigmoid);
  } else if (const auto handler = handlers.find(op); handler != handlers.end()) {
    require_flow(node);
    (this->*handler->second)(node);
  } else {
    refuse(node, "this operator is not one of the accepted ones (docs/models.md)");
  }
  // Of the ml classifiers the scores, not the label.
  flow_->name = node.outputs.size() > 1 && node.domain == kMl ? node.outputs[1] : produced;
  dims_of_[flow_->name] = flow_->dims;
}

/// The squares of the input (Mul by itself) and their Concat behind it: what quadratic scores read.
bool GraphCompiler::take_squares(const OnnxNode& node) {
  if (!node.domain.empty() || node.inputs.size() != 2 || node.outputs.size() != 1) return false;
  const bool untouched = network_.convs.empty() && network_.dense.empty() && !forest_ &&
                         !transformed_ && scaler_scale_.empty() && !padding_.any() &&
                         !network_.squares;
  const std::vector<int64_t> flat{1, contract_.input_length};
  if (node.op == "Mul" && node.inputs[0] == flow_->name && node.inputs[1] == flow_->name) {
    if (!untouched || flow_->dims != flat) {
      refuse(node, "only the flat input itself may be squared");
    }
    squares_ = node.outputs[0];
    return true;
  }
  if (node.op != "Concat" || squares_.empty() || node.inputs[0] != flow_->name ||
      node.inputs[1] != squares_) {
    return false;
  }
  const int64_t axis = integer(node, "axis", 0);
  if (!untouched || flow_->dims != flat || (axis != 1 && axis != -1)) {
    refuse(node, "it must join the flat input and its squares along axis 1");
  }
  const uint32_t length = contract_.input_length;
  reserve(node, 2.0 * length * sizeof(uint32_t));
  std::vector<uint32_t> places;
  for (const uint32_t begin : {0U, length}) {
    for (uint32_t i = 0; i < length; ++i) places.push_back(flow_->place[i] + begin);
  }
  flow_->place = ElementOrder(std::move(places));
  flow_->dims[1] *= 2;
  flow_->name = node.outputs[0];
  dims_of_[flow_->name] = flow_->dims;
  network_.squares = true;
  return true;
}

void GraphCompiler::require_flow(const OnnxNode& node) const {
  if (node.inputs.empty() || node.outputs.empty()) refuse(node, "it lacks its input or output");
  size_t uses = 0;
  for (const std::string& input : node.inputs) uses += input == flow_->name ? 1 : 0;
  if (uses != 1) {
    refuse(node, "it does not read '{}', the result of the node before; only a chain is accepted",
           flow_->name);
  }
  for (const std::string& input : node.inputs) {
    if (!input.empty() && input != flow_->name && !constants_.contains(input)) {
      refuse(node, "its input '{}' is neither a constant nor the result of the node before", input);
    }
  }
  if (padding_.any() && node.op != "Conv" && node.op != "MaxPool" && node.op != "Identity") {
    refuse(node, "a Pad before it; Pad is accepted before Conv and MaxPool only");
  }
}

void GraphCompiler::finish() {
  const size_t classes = contract_.classes.size();
  const OutputRule& rule = forest_ ? forest_->output : network_.output;
  if (!forest_) {
    if (padding_.any()) fail("the graph ends in a Pad");
    finish_network();
  }
  const size_t scores = forest_ ? forest_->scores : network_.dense.back().outputs;
  const size_t outputs = rule.pair == OutputRule::Pair::no ? scores : 2;
  if (outputs != classes) {
    fail("the graph has {} outputs, flowmark.classes has {} names", outputs, classes);
  }
  if (contract_.multilabel && rule.transform == OutputRule::Transform::softmax) {
    fail("flowmark.multilabel is true, but the graph ends in a Softmax; it takes a Sigmoid");
  }
}

void GraphCompiler::finish_network() {
  if (network_.dense.empty()) fail("the graph has no dense layer (Gemm, MatMul, LinearClassifier)");
  DenseLayer& last = network_.dense.back();
  OutputRule& rule = network_.output;
  if (!transformed_) {
    // Scores without a final Softmax or Sigmoid get the one that the task implies.
    rule.transform = contract_.multilabel || last.outputs == 1 ? OutputRule::Transform::logistic
                                                               : OutputRule::Transform::softmax;
    if (last.activation == Activation::sigmoid) {
      rule.transform = OutputRule::Transform::logistic;
      last.activation = Activation::none;
    } else if (last.activation != Activation::none) {
      fail("the graph ends in a {}; it should end in Softmax, Sigmoid or plain scores",
           last.activation == Activation::relu ? "Relu" : "Tanh");
    }
    if (last.outputs == 1 && contract_.classes.size() == 2 && !contract_.multilabel) {
      rule.pair = OutputRule::Pair::one_minus;
    }
  }
}

ModelPlan compile_graph(const OnnxModel& model, const GraphContract& contract, LoadBudget& budget) {
  return GraphCompiler(model, contract, budget).compile();
}

}  // namespace flowmark
