#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/keyed_random.h"
#include "feature/sparse_window.h"
#include "learn/cnn/shape.h"

namespace flowmark {

/// The specification of the trainer's network: dense, scalar, in doubles, one loop per index.
class CnnReference {
 public:
  struct Layer {
    std::vector<double> weights;  ///< as CnnParameters
    std::vector<double> bias;
  };
  struct Numbers {
    std::vector<Layer> layers;  ///< convolutions, then dense layers

    size_t size() const;
    double& at(size_t index);  ///< weights of the first layer, its biases, those of the second, ...
  };

  CnnReference(const CnnShape& shape, const CnnParameters& parameters);

  /// What values of the last convolution are multiplied by between its ReLU and its pooling.
  using Factor = std::function<double(size_t sample, uint32_t filter, uint32_t y, uint32_t x)>;

  Numbers& parameters() { return parameters_; }
  /// Of loss(); probabilities() are those without it.
  void set_unpooled_factor(Factor factor) { factor_ = std::move(factor); }
  /// The weighted mean cross entropy and, if `gradient` is given, its gradient.
  double loss(const std::vector<SparseWindow>& pictures, std::span<const uint32_t> labels,
              std::span<const float> weights, Numbers* gradient) const;
  std::vector<double> probabilities(const SparseWindow& picture) const;

 private:
  struct Maps;
  std::vector<double> forward(const SparseWindow& picture, bool drops, Maps& maps) const;
  void backward(const Maps& maps, std::vector<double> gradient, Numbers& sums) const;

  CnnShape shape_;
  Numbers parameters_;
  Factor factor_;
};

CnnReference::Numbers to_numbers(const CnnParameters& parameters);

/// A picture with each pixel set with probability `density`, to 1, 2 or 3.
SparseWindow random_picture(const CnnShape& shape, double density, const KeyedRandom& random);

}  // namespace flowmark
