#pragma once

#include <vector>

#include "kernel/aligned_vector.h"
#include "learn/cnn/geometry.h"

namespace flowmark {

/// Sums of gradients over samples, by background class (CnnAxis).
struct CnnClassGradient {
  explicit CnnClassGradient(const CnnGeometry& geometry);

  struct Layer {
    std::vector<double> reached;  ///< [output class][filter_stride]: of outputs in windows that
                                  ///< some pixel reaches; with dropout in front of the pooling of
                                  ///< all of the last layer's
    std::vector<double> taken;    ///< [window class][filter_stride]: of the pooled values of such
                                ///< windows, to be taken off those of all windows; not of the last
  };
  std::vector<Layer> layers;
  AlignedVector<float> idle;  ///< [y][x][channel]: of the last layer's pooled values that no pixel
                              ///< reaches, unless they are in `reached`

  void clear();
  void add(const CnnClassGradient& other);
};

/// What a network makes of an empty picture. Where no pixel reaches, every sample has these values,
/// so they and the gradients through them are computed once for all samples and, as most places are
/// alike, once per class of places.
class CnnBackground {
 public:
  explicit CnnBackground(const CnnGeometry& geometry);

  void compute(const float* parameters);

  /// Sums in front of ReLU, [output class][filter_stride].
  const float* sums(size_t layer) const { return layers_[layer].sums.data(); }
  /// Pooled values, [window class][filter_stride].
  const float* pooled(size_t layer) const { return layers_[layer].pooled.data(); }
  /// For each place of each window class where its sums begin, as CnnPool::background_at.
  const uint32_t* sums_at(size_t layer) const { return layers_[layer].sums_at.data(); }
  /// The first dense layer's inputs, [y][x][channel].
  const AlignedVector<float>& flat() const { return flat_; }

  /// Adds to the gradient of the convolutions' parameters what comes through the background: the
  /// background's part of weights that samples reached, all of what no pixel reaches, all biases.
  void backward(const float* parameters, const CnnClassGradient& classes, float* gradient) const;

 private:
  struct Layer {
    AlignedVector<float> sums;
    AlignedVector<float> pooled;
    std::vector<uint32_t> winner;  ///< [window class][filter_stride] output class, or kNone
    std::vector<uint32_t> sums_at;
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  void compute_sums(size_t l, const float* parameters);
  void compute_pooled(size_t l);
  std::vector<double> through_weights(size_t l, const float* parameters,
                                      const std::vector<double>& outputs, float* gradient) const;

  const CnnGeometry& geometry_;
  std::vector<Layer> layers_;
  AlignedVector<float> flat_;
};

}  // namespace flowmark
