#pragma once

#include <cstdint>
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

  Numbers& parameters() { return parameters_; }
  /// The weighted mean cross entropy and, if `gradient` is given, its gradient.
  double loss(const std::vector<SparseWindow>& pictures, std::span<const uint32_t> labels,
              std::span<const float> weights, Numbers* gradient) const;
  std::vector<double> probabilities(const SparseWindow& picture) const;

 private:
  struct Maps;
  std::vector<double> forward(const SparseWindow& picture, Maps& maps) const;
  void backward(const Maps& maps, std::vector<double> gradient, Numbers& sums) const;

  CnnShape shape_;
  Numbers parameters_;
};

CnnReference::Numbers to_numbers(const CnnParameters& parameters);

/// A picture with each pixel set with probability `density`, to 1, 2 or 3.
SparseWindow random_picture(const CnnShape& shape, double density, const KeyedRandom& random);

}  // namespace flowmark
