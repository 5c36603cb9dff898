// The specification of the kernels: what the vectorised ones are tested against.
#include <algorithm>
#include <limits>

#include "kernel/bf16.h"
#include "kernel/kernels.h"

namespace flowmark {
namespace {

void add_rows(float* y, size_t n, const float* rows, size_t stride, const uint32_t* indices,
              const float* values, size_t count) noexcept {
  for (size_t k = 0; k < count; ++k) {
    const float* row = rows + indices[k] * stride;
    for (size_t i = 0; i < n; ++i) y[i] += values[k] * row[i];
  }
}

void add_runs(float* map, const float* weights, size_t n, const ScaledRun* runs,
              size_t count) noexcept {
  for (size_t k = 0; k < count; ++k) {
    for (size_t i = 0; i < n; ++i) map[runs[k].to + i] += runs[k].value * weights[runs[k].from + i];
  }
}

void clear_runs(float* map, size_t n, const ScaledRun* runs, size_t count) noexcept {
  for (size_t k = 0; k < count; ++k) std::fill_n(map + runs[k].to, n, 0.0F);
}

void add_cells(const CellBatch& batch) noexcept {
  for (size_t cell = 0; cell < batch.cells; ++cell) {
    const float* values = batch.values + cell * batch.value_stride;
    for (size_t row = 0; row < batch.rows; ++row) {
      float* to = batch.map + batch.to[cell] + row * batch.map_stride;
      const float* weights = batch.weights + row * batch.channels * batch.weight_stride;
      for (size_t i = 0; i < batch.columns; ++i) {
        float sum = 0;
        for (size_t c = 0; c < batch.channels; ++c) {
          sum += values[c] * weights[c * batch.weight_stride + i];
        }
        to[i] += sum;
      }
    }
  }
}

float rectify(float value, bool relu) noexcept {
  return relu ? std::max(value, 0.0F) : value;
}

void pool_batch(const PoolBatch& batch) noexcept {
  for (size_t w = 0; w < batch.windows; ++w) {
    float* out = batch.out + w * batch.out_stride;
    std::fill_n(out, batch.out_stride, 0.0F);
    bool changed = false;
    for (size_t f = 0; f < batch.filters; ++f) {
      float most = -std::numeric_limits<float>::infinity();
      for (size_t y = 0; y < batch.rows; ++y) {
        for (size_t x = 0; x < batch.columns; ++x) {
          most = std::max(
              most, batch.map[batch.at[w] + y * batch.map_stride + x * batch.cell_stride + f]);
        }
      }
      out[f] = rectify(most + batch.base[f], batch.relu) - batch.background[f];
      changed |= out[f] != 0;
    }
    batch.changed[w] = changed ? 1 : 0;
  }
}

bool pool_window(const PoolWindow& window) noexcept {
  bool changed = false;
  for (size_t f = 0; f < window.filters; ++f) {
    float most = -std::numeric_limits<float>::infinity();
    for (size_t cell = 0; cell < window.cells; ++cell) {
      most = std::max(most, window.map[cell][f] + window.base[cell][f]);
    }
    window.out[f] = rectify(most, window.relu) - window.background[f];
    changed |= window.out[f] != 0;
  }
  return changed;
}

size_t compress(const float* values, size_t n, uint32_t first, uint32_t* indices,
                float* out) noexcept {
  size_t count = 0;
  for (size_t i = 0; i < n; ++i) {
    if (values[i] == 0) continue;
    indices[count] = first + static_cast<uint32_t>(i);
    out[count++] = values[i];
  }
  return count;
}

}  // namespace

const Kernels& scalar_kernels() noexcept {
  static constexpr Kernels kKernels{"SCALAR",
                                    add_rows,
                                    add_runs,
                                    clear_runs,
                                    add_cells,
                                    pool_batch,
                                    pool_window,
                                    compress,
                                    add_cells_bf16_scalar,
                                    add_rows_bf16_scalar};
  return kKernels;
}

}  // namespace flowmark
