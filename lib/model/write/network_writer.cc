#include <algorithm>
#include <map>

#include "base/error.h"
#include "model/write/model_writer.h"
#include "model/write/onnx_builder.h"

namespace flowmark {
namespace {

using namespace onnx_builder;

/// Appends nodes in a chain.
class Chain {
 public:
  explicit Chain(OnnxModel& model) : model_(model) {}

  void add(const char* op, std::vector<OnnxTensor> constants,
           std::map<std::string, OnnxAttribute> attributes) {
    OnnxNode node;
    node.op = op;
    node.name = std::string(op) + std::to_string(model_.nodes.size());
    node.inputs = {last_};
    for (OnnxTensor& tensor : constants) {
      tensor.name = node.name + "." + tensor.name;
      node.inputs.push_back(tensor.name);
      model_.initializers.push_back(std::move(tensor));
    }
    last_ = node.name + ".out";
    node.outputs = {last_};
    node.attributes = std::move(attributes);
    model_.nodes.push_back(std::move(node));
  }

  /// Ends the chain in an output of that name.
  void finish(const std::string& name, int64_t width) {
    model_.nodes.back().outputs = {name};
    model_.outputs = {float_value(name, {OnnxValue::kSymbolic, width})};
  }

 private:
  OnnxModel& model_;
  std::string last_ = kInputName;
};

void add_conv(Chain& chain, const ConvLayer& layer) {
  chain.add(
      "Conv",
      {float_tensor("weights", {layer.filters, layer.in_channels, layer.kernel_h, layer.kernel_w},
                    layer.weights),
       float_tensor("bias", {layer.filters}, layer.bias)},
      {{"kernel_shape", integers({layer.kernel_h, layer.kernel_w})},
       {"strides", integers({layer.stride_h, layer.stride_w})},
       {"pads", integers({layer.pad_top, layer.pad_left, layer.pad_bottom, layer.pad_right})}});
  if (layer.relu) chain.add("Relu", {}, {});
  const PoolShape& pool = layer.pool;
  if (pool.is_identity()) return;
  chain.add("MaxPool", {},
            {{"kernel_shape", integers({pool.kernel_h, pool.kernel_w})},
             {"strides", integers({pool.stride_h, pool.stride_w})},
             {"pads", integers({pool.pad_top, pool.pad_left, 0, 0})}});
}

/// The weights with their inputs in the order of ONNX's Flatten, [channel][y][x].
std::vector<float> channels_first(const DenseLayer& layer, size_t channels) {
  std::vector<float> weights(layer.weights.size());
  const size_t cells = layer.inputs / channels;
  for (size_t c = 0; c < channels; ++c) {
    for (size_t cell = 0; cell < cells; ++cell) {
      const auto from =
          layer.weights.begin() + static_cast<ptrdiff_t>((cell * channels + c) * layer.outputs);
      std::copy_n(from, layer.outputs,
                  weights.begin() + static_cast<ptrdiff_t>((c * cells + cell) * layer.outputs));
    }
  }
  return weights;
}

void check_sizes(const std::filesystem::path& path, const NetworkPlan& plan) {
  for (const ConvLayer& layer : plan.convs) {
    const size_t weights =
        size_t{layer.filters} * layer.in_channels * layer.kernel_h * layer.kernel_w;
    if (layer.weights.size() != weights || layer.bias.size() != layer.filters || weights == 0) {
      fail("{}: a convolution has {} weights and {} biases; its shape needs {} and {}",
           path.string(), layer.weights.size(), layer.bias.size(), weights, layer.filters);
    }
  }
  if (plan.dense.empty()) fail("{}: the network has no dense layer", path.string());
  for (const DenseLayer& layer : plan.dense) {
    const size_t weights = size_t{layer.inputs} * layer.outputs;
    if (layer.weights.size() != weights || layer.bias.size() != layer.outputs || weights == 0) {
      fail("{}: a dense layer has {} weights and {} biases; its shape needs {} and {}",
           path.string(), layer.weights.size(), layer.bias.size(), weights, layer.outputs);
    }
  }
}

}  // namespace

void write_network_model(const std::filesystem::path& path, const ModelDescription& description,
                         const NetworkPlan& plan) {
  check_sizes(path, plan);
  OnnxModel model = empty_model(description);
  Chain chain(model);
  for (const ConvLayer& layer : plan.convs) add_conv(chain, layer);
  if (description.input.image()) chain.add("Flatten", {}, {{"axis", integer(1)}});
  const size_t channels = plan.convs.empty() ? 1 : plan.convs.back().filters;
  for (size_t i = 0; i < plan.dense.size(); ++i) {
    const DenseLayer& layer = plan.dense[i];
    chain.add("Gemm",
              {float_tensor("weights", {layer.inputs, layer.outputs},
                            channels_first(layer, i == 0 ? channels : 1)),
               float_tensor("bias", {layer.outputs}, layer.bias)},
              {});
    if (layer.activation == Activation::relu) chain.add("Relu", {}, {});
    if (layer.activation == Activation::sigmoid) chain.add("Sigmoid", {}, {});
    if (layer.activation == Activation::tanh) chain.add("Tanh", {}, {});
  }
  if (description.multilabel) {
    chain.add("Sigmoid", {}, {});
  } else {
    chain.add("Softmax", {}, {{"axis", integer(1)}});
  }
  chain.finish(kProbabilities, plan.dense.back().outputs);
  finish(path, description, model);
}

}  // namespace flowmark
