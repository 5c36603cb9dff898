#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/compile/plan.h"

namespace flowmark {

/// A convolution with square kernel, its ReLU and its max pooling (pool x pool, stride pool; what a
/// last incomplete window would cover is left out, as PyTorch does; 1: none).
struct CnnConv {
  uint32_t filters = 0;
  uint32_t kernel = 0;
  uint32_t stride = 1;
  uint32_t pad_before = 0;  ///< rows above and columns to the left, zeros
  uint32_t pad_after = 0;
  uint32_t pool = 2;
};

/// A dense layer with ReLU, and the share of its outputs that training drops.
struct CnnHidden {
  uint32_t outputs = 0;
  double dropout = 0;
};

/// Where the convolutions' dropout sits.
enum class CnnDropoutPlace : uint8_t {
  pooled,    ///< behind the last pooling
  filters,   ///< the same, but whole filters are dropped (PyTorch's Dropout2d)
  unpooled,  ///< between the last ReLU and its pooling, as in the code of FlowPic's authors: a
             ///< window has the greatest of the values that stay
};

/// The family of networks that cnn_trainer trains: convolutions over a picture of one channel,
/// dense layers, softmax.
struct CnnShape {
  uint32_t height = 0;  ///< size bins
  uint32_t width = 0;   ///< time bins
  std::vector<CnnConv> convs;
  double conv_dropout = 0.25;
  CnnDropoutPlace dropout_place = CnnDropoutPlace::pooled;  ///< of conv_dropout
  std::vector<CnnHidden> hidden;
  uint32_t classes = 0;

  /// The network of FlowPic (Shapira & Shavitt 2019, III.C): 10 and 20 filters of 10 x 10, stride
  /// 5, "same" padding of 2 and 3; dense 64; dropout 0.25 and 0.5.
  static CnnShape flowpic(uint32_t height, uint32_t width, uint32_t classes);
  /// LeNet-5 as used for mini-FlowPic (Horowicz et al. 2022): 6 and 16 filters of 5 x 5, stride 1,
  /// no padding; dense 120 and 84; dropout 0.25 and 0.5.
  static CnnShape lenet(uint32_t height, uint32_t width, uint32_t classes);
  /// The first for pictures of 200 x 200 and more, else the second.
  static CnnShape for_picture(uint32_t height, uint32_t width, uint32_t classes);

  /// Throws Error, beginning with `where`, naming the layer that does not fit and why.
  void check(const std::string& where) const;
  /// Height and width of the picture behind each convolution's pooling.
  std::vector<std::pair<uint32_t, uint32_t>> pooled_sizes() const;
  /// Inputs of the first dense layer.
  uint32_t flat_size() const;
  uint64_t parameter_count() const;
};

/// The trained numbers in PyTorch's order: convolutions [filter][channel][ky][kx], dense layers
/// [output][input]; the first dense layer's inputs are in the order [channel][y][x].
struct CnnParameters {
  struct Layer {
    std::vector<float> weights;
    std::vector<float> bias;
  };
  std::vector<Layer> convs;
  std::vector<Layer> dense;  ///< hidden ones, then the output

  /// Zeros of the right sizes.
  static CnnParameters zeros(const CnnShape& shape);
  /// Throws Error, beginning with `where`, unless all sizes are right and all numbers finite.
  void check(const CnnShape& shape, const std::string& where) const;
};

enum class CnnInit : uint8_t {
  pytorch,  ///< weights and biases uniform in +-1 / sqrt(fan in): what PyTorch's layers start with
  he,       ///< weights uniform in +-sqrt(6 / fan in), biases 0
  glorot,   ///< weights uniform in +-sqrt(6 / (fan in + fan out)), biases 0: what Keras's layers
            ///< start with (Glorot & Bengio 2010)
};

/// Random numbers to start from; the same for the same seed everywhere.
CnnParameters initial_parameters(const CnnShape& shape, CnnInit init, uint64_t seed);

/// What engines are built from and model files written.
NetworkPlan to_network_plan(const CnnShape& shape, const CnnParameters& parameters);

}  // namespace flowmark
