#pragma once

#include <tbb/enumerable_thread_specific.h>

#include <memory>
#include <span>
#include <vector>

#include "learn/cnn/head.h"
#include "learn/cnn/sample.h"

namespace flowmark {

/// Some labelled pictures.
struct CnnBatch {
  std::vector<std::span<const SparseValue>> windows;
  std::vector<uint32_t> labels;  ///< below the number of classes
  std::vector<float> weights;    ///< of each in the loss; empty: 1
};

/// Computes a network's loss and its gradient, exactly as on dense pictures but only where pixels
/// reach (design section 3): what the background brings to sums and gradients is computed once for
/// a batch. In parallel with oneTBB; the same numbers on any number of threads.
///
/// Parameters and gradients are arrays of geometry().parameters floats (CnnGeometry::import).
class CnnNet {
 public:
  /// Values of pixels are multiplied by `input_scale`.
  CnnNet(const CnnShape& shape, double input_scale);
  CnnNet(const CnnNet&) = delete;
  CnnNet& operator=(const CnnNet&) = delete;

  const CnnGeometry& geometry() const noexcept { return geometry_; }

  /// To be called when parameters have changed, before the two below.
  void set_parameters(const float* parameters);

  /// The batch's score and, into `gradient`, that of the weighted mean cross entropy.
  CnnScore gradient(const CnnBatch& batch, const CnnDropout& dropout, float* gradient);

  /// The batch's score without dropout; probabilities() then gives each sample's.
  CnnScore evaluate(const CnnBatch& batch);
  std::span<const float> probabilities(size_t sample) const { return head_.probabilities(sample); }

 private:
  void forward(const CnnBatch& batch, const CnnDropout& dropout);
  void backward(const CnnBatch& batch, const CnnDropout& dropout, float* gradient);

  CnnGeometry geometry_;
  float input_scale_;
  const CnnKernels& kernels_;
  CnnBackground background_;
  CnnHead head_;
  const float* parameters_ = nullptr;
  std::vector<AlignedVector<float>> forward_weights_;
  tbb::enumerable_thread_specific<std::unique_ptr<CnnSampleRunner>> runners_;
  std::vector<CnnSample> samples_;
  std::vector<std::unique_ptr<CnnSampleGradient>> sums_;  ///< one per kChunk samples
};

}  // namespace flowmark
