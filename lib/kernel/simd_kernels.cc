// The kernels in portable SIMD, compiled once for each instruction set that Highway knows of this
// architecture. One table a target; dispatch.cc chooses among them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/simd_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernel/kernels.h"
#include "kernel/simd_kernels.h"

// Loops over sums that have to stay in registers; GCC leaves them in memory at -O2 otherwise.
#ifndef FLOWMARK_UNROLL
#ifdef __clang__
#define FLOWMARK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FLOWMARK_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace flowmark {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE size_t lanes() noexcept {
  return hn::Lanes(D());
}

/// Y vectors of outputs at once, so that they stay in registers over all rows.
template <size_t Y>
HWY_INLINE void add_rows_tile(float* y, const float* rows, size_t stride, const uint32_t* indices,
                              const float* values, size_t count) noexcept {
  const D d;
  const size_t n = lanes();
  V sum[Y];
  FLOWMARK_UNROLL
  for (size_t i = 0; i < Y; ++i) sum[i] = hn::LoadU(d, y + i * n);
  for (size_t k = 0; k < count; ++k) {
    const float* row = rows + indices[k] * stride;
    const V value = hn::Set(d, values[k]);
    FLOWMARK_UNROLL
    for (size_t i = 0; i < Y; ++i) sum[i] = hn::MulAdd(value, hn::LoadU(d, row + i * n), sum[i]);
  }
  FLOWMARK_UNROLL
  for (size_t i = 0; i < Y; ++i) hn::StoreU(sum[i], d, y + i * n);
}

void add_rows(float* y, size_t n, const float* rows, size_t stride, const uint32_t* indices,
              const float* values, size_t count) noexcept {
  const size_t step = lanes();
  size_t i = 0;
  for (; i + 8 * step <= n; i += 8 * step) {
    add_rows_tile<8>(y + i, rows + i, stride, indices, values, count);
  }
  for (; i + 4 * step <= n; i += 4 * step) {
    add_rows_tile<4>(y + i, rows + i, stride, indices, values, count);
  }
  for (; i + 2 * step <= n; i += 2 * step) {
    add_rows_tile<2>(y + i, rows + i, stride, indices, values, count);
  }
  for (; i < n; i += step) {
    add_rows_tile<1>(y + i, rows + i, stride, indices, values, count);
  }
}

/// Runs of R vectors.
template <size_t R>
HWY_INLINE void add_runs_of(float* map, const float* weights, const ScaledRun* runs,
                            size_t count) noexcept {
  const D d;
  const size_t n = lanes();
  for (size_t k = 0; k < count; ++k) {
    float* to = map + runs[k].to;
    const float* from = weights + runs[k].from;
    const V value = hn::Set(d, runs[k].value);
    FLOWMARK_UNROLL
    for (size_t i = 0; i < R; ++i) {
      hn::StoreU(hn::MulAdd(value, hn::LoadU(d, from + i * n), hn::LoadU(d, to + i * n)), d,
                 to + i * n);
    }
  }
}

void add_runs(float* map, const float* weights, size_t n, const ScaledRun* runs,
              size_t count) noexcept {
  const D d;
  const size_t step = lanes();
  switch ((n + step - 1) / step) {
    case 1:
      return add_runs_of<1>(map, weights, runs, count);
    case 2:
      return add_runs_of<2>(map, weights, runs, count);
    case 3:
      return add_runs_of<3>(map, weights, runs, count);
    case 5:
      return add_runs_of<5>(map, weights, runs, count);
    default:
      break;
  }
  for (size_t k = 0; k < count; ++k) {
    float* to = map + runs[k].to;
    const float* from = weights + runs[k].from;
    const V value = hn::Set(d, runs[k].value);
    for (size_t i = 0; i < n; i += step) {
      hn::StoreU(hn::MulAdd(value, hn::LoadU(d, from + i), hn::LoadU(d, to + i)), d, to + i);
    }
  }
}

void clear_runs(float* map, size_t n, const ScaledRun* runs, size_t count) noexcept {
  const D d;
  const V zero = hn::Zero(d);
  const size_t step = lanes();
  for (size_t k = 0; k < count; ++k) {
    for (size_t i = 0; i < n; i += step) hn::StoreU(zero, d, map + runs[k].to + i);
  }
}

/// M cells by W vectors of one row: a small matrix product kept in registers.
template <size_t M, size_t W>
HWY_INLINE void add_cells_tile(const CellBatch& batch, size_t cell, size_t row,
                               size_t column) noexcept {
  const D d;
  const size_t n = lanes();
  const float* values = batch.values + cell * batch.value_stride;
  const float* weights = batch.weights + row * batch.channels * batch.weight_stride + column;
  V sum[M][W];
  FLOWMARK_UNROLL
  for (size_t m = 0; m < M; ++m) {
    FLOWMARK_UNROLL
    for (size_t w = 0; w < W; ++w) sum[m][w] = hn::Zero(d);
  }
  for (size_t c = 0; c < batch.channels; ++c) {
    V weight[W];
    FLOWMARK_UNROLL
    for (size_t w = 0; w < W; ++w) weight[w] = hn::LoadU(d, weights + w * n);
    weights += batch.weight_stride;
    FLOWMARK_UNROLL
    for (size_t m = 0; m < M; ++m) {
      const V value = hn::Set(d, values[m * batch.value_stride + c]);
      FLOWMARK_UNROLL
      for (size_t w = 0; w < W; ++w) sum[m][w] = hn::MulAdd(value, weight[w], sum[m][w]);
    }
  }
  FLOWMARK_UNROLL
  for (size_t m = 0; m < M; ++m) {
    float* to = batch.map + batch.to[cell + m] + row * batch.map_stride + column;
    FLOWMARK_UNROLL
    for (size_t w = 0; w < W; ++w) {
      hn::StoreU(hn::Add(sum[m][w], hn::LoadU(d, to + w * n)), d, to + w * n);
    }
  }
}

template <size_t M>
HWY_INLINE void add_cells_rows(const CellBatch& batch, size_t cell) noexcept {
  const size_t step = lanes();
  for (size_t row = 0; row < batch.rows; ++row) {
    size_t left = (batch.columns + step - 1) / step;
    size_t column = 0;
    while (left != 0) {
      const size_t width = left >= 5 ? 5 : left;
      switch (width) {
        case 5:
          add_cells_tile<M, 5>(batch, cell, row, column);
          break;
        case 4:
          add_cells_tile<M, 4>(batch, cell, row, column);
          break;
        case 3:
          add_cells_tile<M, 3>(batch, cell, row, column);
          break;
        case 2:
          add_cells_tile<M, 2>(batch, cell, row, column);
          break;
        default:
          add_cells_tile<M, 1>(batch, cell, row, column);
      }
      left -= width;
      column += width * step;
    }
  }
}

void add_cells(const CellBatch& batch) noexcept {
  // 32 registers hold 4 x 5 sums, 16 hold 2 x 5.
  constexpr size_t kBlock = HWY_TARGET == HWY_AVX3 ? 4 : 2;
  size_t cell = 0;
  for (; cell + kBlock <= batch.cells; cell += kBlock) add_cells_rows<kBlock>(batch, cell);
  for (; cell < batch.cells; ++cell) add_cells_rows<1>(batch, cell);
}

HWY_INLINE V rectified(V value, bool relu) noexcept {
  return relu ? hn::Max(value, hn::Zero(D())) : value;
}

void pool_batch(const PoolBatch& batch) noexcept {
  const D d;
  const size_t step = lanes();
  for (size_t w = 0; w < batch.windows; ++w) {
    float* out = batch.out + w * batch.out_stride;
    auto changed = hn::FirstN(d, 0);
    for (size_t f = 0; f < batch.out_stride; f += step) {
      if (f >= batch.filters) {
        hn::StoreU(hn::Zero(d), d, out + f);
        continue;
      }
      const float* from = batch.map + batch.at[w] + f;
      V most = hn::LoadU(d, from);
      for (size_t y = 0; y < batch.rows; ++y) {
        for (size_t x = y == 0 ? 1 : 0; x < batch.columns; ++x) {
          most = hn::Max(most, hn::LoadU(d, from + y * batch.map_stride + x * batch.filters));
        }
      }
      const V value = rectified(hn::Add(most, hn::LoadU(d, batch.base + f)), batch.relu);
      const V delta = hn::IfThenElseZero(hn::FirstN(d, batch.filters - f),
                                         hn::Sub(value, hn::LoadU(d, batch.background + f)));
      changed = hn::Or(changed, hn::Ne(delta, hn::Zero(d)));
      hn::StoreU(delta, d, out + f);
    }
    batch.changed[w] = hn::AllFalse(d, changed) ? 0 : 1;
  }
}

bool pool_window(const PoolWindow& window) noexcept {
  const D d;
  const size_t step = lanes();
  auto changed = hn::FirstN(d, 0);
  for (size_t f = 0; f < window.filters; f += step) {
    V most = hn::Add(hn::LoadU(d, window.map[0] + f), hn::LoadU(d, window.base[0] + f));
    for (size_t cell = 1; cell < window.cells; ++cell) {
      most = hn::Max(
          most, hn::Add(hn::LoadU(d, window.map[cell] + f), hn::LoadU(d, window.base[cell] + f)));
    }
    const V delta = hn::IfThenElseZero(
        hn::FirstN(d, window.filters - f),
        hn::Sub(rectified(most, window.relu), hn::LoadU(d, window.background + f)));
    changed = hn::Or(changed, hn::Ne(delta, hn::Zero(d)));
    hn::StoreU(delta, d, window.out + f);
  }
  return !hn::AllFalse(d, changed);
}

size_t compress(const float* values, size_t n, uint32_t first, uint32_t* indices,
                float* out) noexcept {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const size_t step = lanes();
  size_t count = 0;
  for (size_t i = 0; i < n; i += step) {
    const V value = hn::LoadU(d, values + i);
    const auto keep = hn::And(hn::Ne(value, hn::Zero(d)), hn::FirstN(d, n - i));
    // Compressing in the register and storing all of it: AMD's compressing store is slow.
    const auto index = hn::Iota(du, first + static_cast<uint32_t>(i));
    hn::StoreU(hn::Compress(index, hn::RebindMask(du, keep)), du, indices + count);
    hn::StoreU(hn::Compress(value, keep), d, out + count);
    count += hn::CountTrue(d, keep);
  }
  return count;
}

Kernels table() {
  return {hwy::TargetName(HWY_TARGET),
          add_rows,
          add_runs,
          clear_runs,
          add_cells,
          pool_batch,
          pool_window,
          compress};
}

}  // namespace HWY_NAMESPACE
}  // namespace flowmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flowmark {
HWY_EXPORT(table);

std::vector<Kernels> simd_kernels() {
  std::vector<Kernels> sets;
  // A lower bit is a better target. Only those that this processor has may be asked for their
  // table: even that code uses their instructions.
  for (int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    if (target == HWY_SCALAR) continue;  // the specification stands for it
    hwy::ChosenTarget chosen;
    chosen.Update(target);
    sets.push_back(HWY_DISPATCH_TABLE(table)[chosen.GetIndex()]());
  }
  return sets;
}

std::vector<std::string> simd_target_names() {
  std::vector<std::string> names;
  for (int64_t left = HWY_TARGETS & ~HWY_SCALAR; left != 0; left &= left - 1) {
    names.emplace_back(hwy::TargetName(left & -left));
  }
  return names;
}

}  // namespace flowmark
#endif
