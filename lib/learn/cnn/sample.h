#pragma once

#include <span>
#include <vector>

#include "feature/sparse_window.h"
#include "kernel/aligned_vector.h"
#include "learn/cnn/background.h"
#include "learn/cnn/dropout.h"
#include "learn/cnn/geometry.h"
#include "learn/cnn/kernels.h"

namespace flowmark {

/// What the way back needs to know of a sample's way forth.
struct CnnSample {
  struct Layer {
    std::vector<uint32_t> windows;  ///< pooling windows that pixels reach, by phase of the next
                                    ///< convolution
    std::vector<uint32_t> window_class;
    std::vector<uint32_t> phase_end;  ///< [phase] where its windows end
    AlignedVector<float> values;    ///< [window][filter_stride] less the background's; of the last
                                    ///< layer the values themselves
    AlignedVector<int32_t> winner;  ///< as CnnPool's
    std::vector<CnnReach> reach;    ///< of the previous layer's windows; not in the first
  };
  std::vector<ScaledRun> runs;  ///< of the first layer: pixels over weights
  std::vector<Layer> layers;
  /// [pooling window of the last layer][filter] the winner, as CnnPool's, of windows that no pixel
  /// reaches. Empty unless values are dropped in front of the pooling: else the winner is the
  /// background's.
  std::vector<int32_t> idle_winner;
};

/// What a thread adds up over samples: convolution weights' gradients as far as samples differ from
/// the background, the others by class.
struct CnnSampleGradient {
  explicit CnnSampleGradient(const CnnGeometry& geometry);
  void clear();

  AlignedVector<float> weights;  ///< as the parameters, up to the first dense layer
  CnnClassGradient classes;
};

/// Runs samples through the convolutions and back, at the places that pixels reach. One per thread.
class CnnSampleRunner {
 public:
  CnnSampleRunner(const CnnGeometry& geometry, const CnnBackground& background);

  /// `pixels`: indices below height * width, ascending; their values are multiplied by `scale`.
  /// `forward_weights`: one array per layer (forward_copy()), none for the first. Writes the first
  /// dense layer's inputs to `flat`. `drop`: which of the last convolution's values are dropped in
  /// front of its pooling, value (window, place in it, filter) having the index (window * places +
  /// place) * filters + filter; null: none.
  void forward(std::span<const SparseValue> pixels, float scale, const float* parameters,
               const std::vector<AlignedVector<float>>& forward_weights, const CnnDropDraw* drop,
               CnnSample& sample, float* flat);

  /// `flat` holds the gradients of the first dense layer's inputs, those of inputs that are not
  /// positive being 0; it is used up.
  void backward(const CnnSample& sample, const float* parameters, float* flat,
                CnnSampleGradient& gradient);

 private:
  struct Scratch {
    std::vector<int32_t> slot;    ///< [window] kIdle, kMarked or its number among the active ones
    std::vector<uint32_t> at;     ///< [active window]
    std::vector<uint32_t> place;  ///< [sub] as CnnPool's
    AlignedVector<float> map;
    AlignedVector<float> gradient;  ///< [active window][filter_stride]
  };
  /// A gradient on its way to its place.
  struct Won {
    uint32_t place;
    CnnEntry entry;
  };
  static constexpr int32_t kIdle = -1;
  static constexpr int32_t kMarked = -2;

  void mark(size_t l, uint32_t y, uint32_t x, CnnSample& sample);
  void number_windows(size_t l, CnnSample& sample);
  void first_layer(std::span<const SparseValue> pixels, float scale, const float* parameters,
                   CnnSample& sample);
  void add_pixel(uint32_t y, uint32_t x, float value, std::vector<ScaledRun>& runs) const;
  void inner_layer(size_t l, const AlignedVector<float>& weights, CnnSample& sample);
  void pool(size_t l, CnnSample& sample);
  void pool_dropped(const CnnDropDraw& drop, CnnSample& sample, float* flat);
  void pool_window(const CnnDropDraw& drop, uint32_t window, const float* map, float* flat,
                   int32_t* winner) const;
  void gather(const CnnSample& sample, float* flat, CnnSampleGradient& gradient);
  void gather_idle(const CnnSample& sample, const float* flat, CnnSampleGradient& gradient) const;
  void sort_entries(size_t l, const CnnSample& sample, CnnSampleGradient& gradient);
  void inner_layer_back(size_t l, const CnnSample& sample, const float* parameters,
                        CnnSampleGradient& gradient);
  void first_layer_back(const CnnSample& sample, CnnSampleGradient& gradient);

  const CnnGeometry& geometry_;
  const CnnBackground& background_;
  const Kernels& kernels_;
  const CnnKernels& cnn_kernels_;
  std::vector<Scratch> scratch_;
  std::vector<uint32_t> to_;
  std::vector<Won> won_;
  std::vector<CnnEntry> entries_;
  std::vector<uint32_t> first_entry_;
  AlignedVector<float> sum_;
};

/// A convolution's weights as the forward kernel wants them: per phase [tap y][channel][tap
/// x][filter], rows of tap x by filter padded.
void forward_copy(const CnnLayer& layer, const float* weights, AlignedVector<float>& to);

}  // namespace flowmark
