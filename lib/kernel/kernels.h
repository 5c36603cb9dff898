#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flowmark {

/// One multiple of a row of weights added to a place of a map: to[0, n) += value * from[0, n).
struct ScaledRun {
  uint32_t to = 0;    ///< first float in the map
  uint32_t from = 0;  ///< first float in the weights
  float value = 0;
};

/// Weights of two neighbouring channels as bfloat16 (kernel/bf16.h); of a last odd one with 0.
struct Bf16Pair {
  uint16_t even = 0, odd = 0;
};

/// A batch of cells of one phase (position modulo the stride) in front of a convolution.
template <typename Weight>
struct BasicCellBatch {
  const float* values = nullptr;  ///< [cell][value_stride], the first `channels` of each are read
  const uint32_t* to = nullptr;   ///< [cell] first float in the map that the cell reaches
  size_t cells = 0;
  size_t value_stride = 0;
  size_t channels = 0;
  const Weight* weights = nullptr;  ///< [row][channel, or pair of them][weight_stride]
  size_t weight_stride = 0;         ///< a multiple of kKernelPad, >= columns
  size_t rows = 0;                  ///< map rows that a cell reaches
  size_t columns = 0;               ///< floats that it reaches in each
  float* map = nullptr;
  size_t map_stride = 0;  ///< floats from one map row to the next
};
using CellBatch = BasicCellBatch<float>;
using Bf16CellBatch = BasicCellBatch<Bf16Pair>;

/// Pooling windows in one row of a map, all inside it and over the same base.
struct PoolBatch {
  const float* map = nullptr;    ///< first row of the windows
  size_t map_stride = 0;         ///< floats between rows
  const uint32_t* at = nullptr;  ///< [window] first float in `map`
  size_t windows = 0;
  size_t rows = 0;         ///< kernel height
  size_t columns = 0;      ///< kernel width, in cells
  size_t cell_stride = 0;  ///< floats from one cell to the next, >= filters
  size_t filters = 0;
  const float* base = nullptr;        ///< [filters], padded: added to the maximum
  const float* background = nullptr;  ///< [filters], padded: subtracted at the end
  bool relu = false;
  float* out = nullptr;        ///< [window][out_stride]
  size_t out_stride = 0;       ///< a multiple of kKernelPad
  uint8_t* changed = nullptr;  ///< [window] whether any output is not 0
};

/// One pooling window whose cells have bases of their own.
struct PoolWindow {
  const float* const* map = nullptr;   ///< [cell]
  const float* const* base = nullptr;  ///< [cell], padded
  size_t cells = 0;
  size_t filters = 0;
  const float* background = nullptr;  ///< padded
  bool relu = false;
  float* out = nullptr;  ///< padded
};

/// Arrays that kernels read or write in whole vectors are padded to a multiple of so many floats;
/// maps carry as many at their end. Weights in the padding are 0.
inline constexpr size_t kKernelPad = 16;
/// The next multiple of kKernelPad.
constexpr size_t padded(size_t count) noexcept {
  return (count + kKernelPad - 1) / kKernelPad * kKernelPad;
}

/// The inner loops of inference for one instruction set. The scalar ones are the specification;
/// the others differ from them by float rounding only. None needs alignment, allocates or throws.
struct Kernels {
  const char* target;

  /// y[0, n) += sum over k < count of values[k] * rows[indices[k] * stride, + n).
  /// y and each row are padded (stride is a multiple of kKernelPad).
  void (*add_rows)(float* y, size_t n, const float* rows, size_t stride, const uint32_t* indices,
                   const float* values, size_t count) noexcept;

  /// For each run in turn: map[to, + n) += value * weights[from, + n). May add 0 up to the padding.
  void (*add_runs)(float* map, const float* weights, size_t n, const ScaledRun* runs,
                   size_t count) noexcept;

  /// Sets what add_runs may have written back to 0.
  void (*clear_runs)(float* map, size_t n, const ScaledRun* runs, size_t count) noexcept;

  /// For each cell and row: map[to + row * map_stride, + columns) += values * weights[row].
  void (*add_cells)(const CellBatch& batch) noexcept;

  /// out = max(relu ? 0 : -inf, max over the window + base) - background, per filter; 0 in the
  /// padding of out.
  void (*pool_batch)(const PoolBatch& batch) noexcept;

  /// The same for one window, base added per cell. Returns whether any output is not 0.
  bool (*pool_window)(const PoolWindow& window) noexcept;

  /// Appends values[i] and first + i for each of the n values that is not 0. Returns how many.
  /// Both outputs have room for n, padded.
  size_t (*compress)(const float* values, size_t n, uint32_t first, uint32_t* indices,
                     float* out) noexcept;

  /// As add_cells and add_rows, with the weights in bfloat16 and the values rounded to it; sums are
  /// floats. nullptr where the set has no instructions for it. The outputs of a row lie at
  /// bf16_row_place(i); y and the rows are padded to a multiple of kBf16RowPad.
  void (*add_cells_bf16)(const Bf16CellBatch& batch) noexcept = nullptr;
  void (*add_rows_bf16)(float* y, size_t n, const uint16_t* rows, size_t stride,
                        const uint32_t* indices, const float* values,
                        size_t count) noexcept = nullptr;
  bool has_bf16() const noexcept { return add_cells_bf16 != nullptr; }
};

/// The specification: plain loops, any processor ("SCALAR").
const Kernels& scalar_kernels() noexcept;

/// Every set this processor can run, the best first, the scalar one last.
std::vector<const Kernels*> available_kernels();

/// Names of every set that was compiled in, whether this processor has it or not.
std::vector<std::string> compiled_kernel_targets();

/// The set of that name, of the available ones. Throws Error listing the names.
const Kernels& find_kernels(const std::string& target);

/// The set that the environment variable FLOWMARK_FORCE_TARGET names, else the best. Engines ask
/// once, when they are built. Throws Error like find_kernels.
const Kernels& default_kernels();

}  // namespace flowmark
