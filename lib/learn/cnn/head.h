#pragma once

#include <span>
#include <vector>

#include "kernel/aligned_vector.h"
#include "learn/cnn/dropout.h"
#include "learn/cnn/geometry.h"
#include "learn/cnn/kernels.h"

namespace flowmark {

/// How a batch went.
struct CnnScore {
  double loss = 0;     ///< sum of weight * cross entropy
  double weight = 0;   ///< sum of weights
  uint64_t right = 0;  ///< samples whose class got the highest probability
  uint64_t count = 0;

  void add(const CnnScore& other);
  double mean_loss() const { return weight > 0 ? loss / weight : 0; }
  double accuracy() const {
    return count > 0 ? static_cast<double>(right) / static_cast<double>(count) : 0;
  }
};

/// The dense layers of a network over a batch, in parallel with oneTBB. Every sum is taken in one
/// order, so results do not depend on the number of threads.
class CnnHead {
 public:
  explicit CnnHead(const CnnGeometry& geometry);

  /// Makes room for a batch. Rows of flat(i) are to be filled before forward().
  void resize(size_t batch);
  float* flat(size_t sample) { return values_[0].data() + sample * strides_[0]; }
  /// Of a sample after backward(): the gradients of flat(sample), not yet gated.
  float* flat_gradient(size_t sample) { return gradients_[0].data() + sample * strides_[0]; }

  /// Computes probabilities(); `dropout` is for the hidden layers.
  void forward(const float* parameters, const CnnDropout& dropout);
  /// One probability per class.
  std::span<const float> probabilities(size_t sample) const;

  /// The cross entropy of the batch.
  CnnScore score(std::span<const uint32_t> labels, std::span<const float> weights) const;

  /// Sets the dense layers' part of `gradient` to that of the weighted mean cross entropy, and
  /// flat_gradient(). After forward().
  void backward(const float* parameters, std::span<const uint32_t> labels,
                std::span<const float> weights, float* gradient);

 private:
  void multiply(CnnProduct task) const;
  void transpose(const CnnDense& layer, const float* weights);
  void weight_gradient(size_t layer, float* gradient) const;

  const CnnGeometry& geometry_;
  const CnnKernels& kernels_;
  size_t batch_ = 0;
  bool dropped_ = false;
  std::vector<size_t> strides_;               ///< of values_ and gradients_
  std::vector<AlignedVector<float>> values_;  ///< inputs of each dense layer, then probabilities
  std::vector<AlignedVector<float>> gradients_;
  AlignedVector<float> transposed_;
};

}  // namespace flowmark
