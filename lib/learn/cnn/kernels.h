#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernel/kernels.h"

namespace flowmark {

/// Max pooling of the windows that a sample's pixels reach. All strides are multiples of 16 floats.
struct CnnPool {
  const float* map = nullptr;              ///< what was added to the background, 16 floats longer
  const uint32_t* at = nullptr;            ///< [window] first float of its first place in the map
  const uint32_t* window_class = nullptr;  ///< [window]
  size_t windows = 0;
  const uint32_t* place = nullptr;  ///< [sub] floats from a window's first place
  size_t subs = 0;
  const float* background = nullptr;        ///< [output class][filter_stride]
  const uint32_t* background_at = nullptr;  ///< [window class][sub] floats from `background`
  const float* base = nullptr;              ///< [window class][filter_stride] or none
  size_t filters = 0;
  size_t filter_stride = 0;
  float* out = nullptr;       ///< [window][filter_stride] max(0, greatest sum) - base; 0 in padding
  int32_t* winner = nullptr;  ///< [window][filter_stride] first place of the greatest sum, -1 if
                              ///< that is not positive
};

/// Takes gradients of pooled values back to the places that won.
struct CnnSpread {
  const float* gradient = nullptr;  ///< [window][filter_stride]
  const int32_t* winner = nullptr;  ///< as CnnPool's
  size_t windows = 0;
  size_t subs = 0;
  size_t filter_stride = 0;
  float* map = nullptr;  ///< [window][sub][filter_stride]
  float* sum = nullptr;  ///< [filter_stride], added to: all that went through
};

/// A gradient of one filter at one place of a map.
struct CnnEntry {
  uint32_t column = 0;  ///< column of the place * filters + filter
  float gradient = 0;
};

/// Where a cell reaches the map behind its convolution.
struct CnnReach {
  uint32_t place = 0;   ///< the first place, row-major
  uint32_t column = 0;  ///< its column * filters
};

/// Cells of one phase on the way back: gradients of their values and of the weights they met.
struct CnnCellBack {
  const float* values = nullptr;  ///< [cell][stride], 0 in the padding
  const CnnReach* reach = nullptr;
  size_t cells = 0;
  size_t stride = 0;                  ///< of channels
  const CnnEntry* entries = nullptr;  ///< sorted by place
  const uint32_t* first = nullptr;    ///< [place] its first entry; one more at the end
  size_t map_columns = 0;             ///< places in a row of the map
  size_t rows = 0;                    ///< places that a cell reaches, down and across
  size_t columns = 0;
  size_t filters = 0;
  const float* weights = nullptr;    ///< [row][column][filter][stride]
  float* weight_gradient = nullptr;  ///< the same, added to
  float* gradient = nullptr;         ///< [cell][stride], set
};

/// c = init + a * b, every sum in ascending order of k.
struct CnnProduct {
  const float* a = nullptr;  ///< element (m, k) at m * a_row + k * a_column
  size_t a_row = 0;
  size_t a_column = 0;
  const float* b = nullptr;  ///< [k][b_row]
  size_t b_row = 0;
  const float* init = nullptr;  ///< [n] or none: 0
  float* c = nullptr;           ///< [m][c_row]
  size_t c_row = 0;
  size_t m = 0;
  size_t n = 0;  ///< a multiple of 16
  size_t k = 0;
};

/// One step of Adam (Kingma & Ba 2015, Algorithm 1), in PyTorch's order of operations, with
/// decoupled weight decay (Loshchilov & Hutter 2019).
struct CnnAdam {
  float* parameters = nullptr;
  float* mean = nullptr;
  float* square = nullptr;
  const float* gradient = nullptr;
  size_t n = 0;  ///< a multiple of 16
  float beta1 = 0;
  float beta2 = 0;
  float step = 0;   ///< learning rate / (1 - beta1^t)
  float scale = 0;  ///< sqrt(1 - beta2^t)
  float epsilon = 0;
  float keep = 1;  ///< 1 - learning rate * weight decay: parameters are multiplied by it first
};

/// The inner loops of training for one instruction set, beside those of Kernels. The scalar ones
/// are the specification; the others differ from them by float rounding only.
struct CnnKernels {
  const char* target;
  void (*pool)(const CnnPool& task) noexcept;
  void (*spread)(const CnnSpread& task) noexcept;
  /// For each run: weights[from, + n) += value * map[to, + n). n is a multiple of 16.
  void (*take_runs)(float* weights, const float* map, size_t n, const ScaledRun* runs,
                    size_t count) noexcept;
  void (*cell_back)(const CnnCellBack& task) noexcept;
  void (*product)(const CnnProduct& task) noexcept;
  void (*adam)(const CnnAdam& task) noexcept;
  /// to[i] += from[i].
  void (*add)(float* to, const float* from, size_t n) noexcept;
  /// gradient[i] = value[i] > 0 ? gradient[i] * scale : 0: back through ReLU and dropout.
  void (*gate)(float* gradient, const float* value, float scale, size_t n) noexcept;
};

const CnnKernels& scalar_cnn_kernels() noexcept;

/// Every set this processor can run, the best first, the scalar one last.
std::vector<const CnnKernels*> available_cnn_kernels();

/// The set that goes with default_kernels().
const CnnKernels& default_cnn_kernels();

}  // namespace flowmark
