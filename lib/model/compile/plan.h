#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace flowmark {

/// What the compiler makes of an ONNX graph and the engines are built from: plain numbers, checked.

/// Max pooling behind a convolution; 1 x 1 with stride 1 where there is none. Padding never wins.
struct PoolShape {
  uint32_t kernel_h = 1;
  uint32_t kernel_w = 1;
  uint32_t stride_h = 1;
  uint32_t stride_w = 1;
  uint32_t pad_top = 0;
  uint32_t pad_left = 0;
  uint32_t out_h = 0;
  uint32_t out_w = 0;

  bool is_identity() const noexcept {
    return kernel_h == 1 && kernel_w == 1 && stride_h == 1 && stride_w == 1;
  }
};

/// A convolution (cross-correlation, zero padding), its ReLU and its max pooling.
struct ConvLayer {
  uint32_t in_channels = 0;
  uint32_t in_h = 0;
  uint32_t in_w = 0;
  uint32_t filters = 0;
  uint32_t kernel_h = 0;
  uint32_t kernel_w = 0;
  uint32_t stride_h = 1;
  uint32_t stride_w = 1;
  uint32_t pad_top = 0;
  uint32_t pad_left = 0;
  uint32_t pad_bottom = 0;
  uint32_t pad_right = 0;
  uint32_t out_h = 0;  ///< before pooling
  uint32_t out_w = 0;
  bool relu = false;
  PoolShape pool;
  std::vector<float> weights;  ///< [filter][channel][ky][kx]
  std::vector<float> bias;     ///< [filter]
};

enum class Activation : uint8_t { none, relu, sigmoid, tanh };

/// outputs = activation(weights^T * inputs + bias). Behind a convolution the inputs are its pooled
/// outputs in the order [y][x][channel].
struct DenseLayer {
  uint32_t inputs = 0;
  uint32_t outputs = 0;
  std::vector<float> weights;  ///< [input][output]
  std::vector<float> bias;     ///< [output]
  Activation activation = Activation::none;
};

/// How scores become probabilities.
struct OutputRule {
  enum class Transform : uint8_t { none, softmax, logistic };
  /// What becomes of one score s that stands for two classes.
  enum class Pair : uint8_t {
    no,         ///< as many scores as classes
    one_minus,  ///< (1 - t(s), t(s))
  };
  Transform transform = Transform::softmax;
  Pair pair = Pair::no;
  bool normalize = false;  ///< divided by their sum at the end (Normalizer, norm L1)
};

/// Convolutions, then dense layers. Without convolutions a perceptron, with one dense layer a
/// linear model, or with squares a quadratic one.
struct NetworkPlan {
  uint32_t inputs = 0;
  /// The first dense layer reads the inputs, then their squares: 2 * inputs values. No
  /// convolutions.
  bool squares = false;
  std::vector<ConvLayer> convs;
  std::vector<DenseLayer> dense;
  OutputRule output;
  bool linear_op = false;  ///< came from a LinearClassifier
};

/// Decision trees whose leaves add scores. Children may be shared between nodes.
struct ForestPlan {
  static constexpr uint32_t kLeaf = UINT32_MAX;
  struct Node {
    uint32_t feature = kLeaf;
    float threshold = 0;  ///< x[feature] <= threshold goes to `yes`
    uint32_t yes = 0;     ///< of a leaf: its row in leaves
    uint32_t no = 0;
  };
  uint32_t inputs = 0;
  uint32_t scores = 0;  ///< per leaf: the number of classes, or 1
  std::vector<Node> nodes;
  std::vector<uint32_t> roots;  ///< one per tree
  std::vector<float> leaves;    ///< [leaf][score]
  std::vector<float> base;      ///< [score], added to the sum over the trees
  OutputRule output;
};

using ModelPlan = std::variant<NetworkPlan, ForestPlan>;

/// Sets out_h, out_w and the pooling's from the rest, rounding down as ONNX does. Throws Error when
/// the kernel does not fit.
void derive_output_shape(ConvLayer& layer);

/// Number of trained parameters: weights and biases, or nodes and leaf scores.
uint64_t parameter_count(const ModelPlan& plan) noexcept;

}  // namespace flowmark
