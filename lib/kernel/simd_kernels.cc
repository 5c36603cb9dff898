// The kernels in portable SIMD, compiled once for each instruction set that Highway knows of this
// architecture. One table a target; dispatch.cc chooses among them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/simd_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <limits>

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

/// M cells, `apart` from each other, by W vectors of one row: a small matrix product kept in
/// registers. Neighbours reach the same places of the map; a sum that has just been stored there is
/// slow to load again, so they had better not follow each other.
template <size_t M, size_t W>
HWY_INLINE void add_cells_tile(const CellBatch& batch, size_t cell, size_t apart, size_t row,
                               size_t column) noexcept {
  const D d;
  const size_t n = lanes();
  const float* values = batch.values + cell * batch.value_stride;
  const size_t value_step = apart * batch.value_stride;
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
      const V value = hn::Set(d, values[m * value_step + c]);
      FLOWMARK_UNROLL
      for (size_t w = 0; w < W; ++w) sum[m][w] = hn::MulAdd(value, weight[w], sum[m][w]);
    }
  }
  FLOWMARK_UNROLL
  for (size_t m = 0; m < M; ++m) {
    float* to = batch.map + batch.to[cell + m * apart] + row * batch.map_stride + column;
    FLOWMARK_UNROLL
    for (size_t w = 0; w < W; ++w) {
      hn::StoreU(hn::Add(sum[m][w], hn::LoadU(d, to + w * n)), d, to + w * n);
    }
  }
}

template <size_t M>
HWY_INLINE void add_cells_rows(const CellBatch& batch, size_t cell, size_t apart) noexcept {
  const size_t step = lanes();
  for (size_t row = 0; row < batch.rows; ++row) {
    size_t left = (batch.columns + step - 1) / step;
    size_t column = 0;
    while (left != 0) {
      const size_t width = left >= 5 ? 5 : left;
      switch (width) {
        case 5:
          add_cells_tile<M, 5>(batch, cell, apart, row, column);
          break;
        case 4:
          add_cells_tile<M, 4>(batch, cell, apart, row, column);
          break;
        case 3:
          add_cells_tile<M, 3>(batch, cell, apart, row, column);
          break;
        case 2:
          add_cells_tile<M, 2>(batch, cell, apart, row, column);
          break;
        default:
          add_cells_tile<M, 1>(batch, cell, apart, row, column);
      }
      left -= width;
      column += width * step;
    }
  }
}

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#define FLOWMARK_PAIRED_ROWS 1
#else
#define FLOWMARK_PAIRED_ROWS 0
#endif

#if FLOWMARK_PAIRED_ROWS
/// Two rows of two and a half vectors each, as the FlowPic network has them with 512 bits: the two
/// halves share a vector.
template <size_t M>
HWY_INLINE void add_cells_paired(const CellBatch& batch, size_t cell, size_t apart) noexcept {
  const D d;
  const hn::Half<D> half;
  const size_t n = lanes();
  const float* values = batch.values + cell * batch.value_stride;
  const size_t value_step = apart * batch.value_stride;
  const float* above = batch.weights;
  const float* below = batch.weights + batch.channels * batch.weight_stride;
  V sum[M][5];
  FLOWMARK_UNROLL
  for (size_t m = 0; m < M; ++m) {
    FLOWMARK_UNROLL
    for (size_t w = 0; w < 5; ++w) sum[m][w] = hn::Zero(d);
  }
  for (size_t c = 0; c < batch.channels; ++c) {
    const V weight[5] = {hn::LoadU(d, above), hn::LoadU(d, above + n),
                         hn::Combine(d, hn::LoadU(half, below), hn::LoadU(half, above + 2 * n)),
                         hn::LoadU(d, below + n / 2), hn::LoadU(d, below + n / 2 + n)};
    above += batch.weight_stride;
    below += batch.weight_stride;
    FLOWMARK_UNROLL
    for (size_t m = 0; m < M; ++m) {
      const V value = hn::Set(d, values[m * value_step + c]);
      FLOWMARK_UNROLL
      for (size_t w = 0; w < 5; ++w) sum[m][w] = hn::MulAdd(value, weight[w], sum[m][w]);
    }
  }
  const auto add = [](auto tag, auto value, float* to)
                       HWY_ATTR { hn::StoreU(hn::Add(value, hn::LoadU(tag, to)), tag, to); };
  FLOWMARK_UNROLL
  for (size_t m = 0; m < M; ++m) {
    float* to = batch.map + batch.to[cell + m * apart];
    float* next = to + batch.map_stride;
    add(d, sum[m][0], to);
    add(d, sum[m][1], to + n);
    add(half, hn::LowerHalf(half, sum[m][2]), to + 2 * n);
    add(half, hn::UpperHalf(half, sum[m][2]), next);
    add(d, sum[m][3], next + n / 2);
    add(d, sum[m][4], next + n / 2 + n);
  }
}
#endif

template <size_t M>
HWY_INLINE void add_cells_block(const CellBatch& batch, size_t cell, size_t apart) noexcept {
#if FLOWMARK_PAIRED_ROWS
  if (batch.rows == 2 && 2 * batch.columns == 5 * lanes()) {
    return add_cells_paired<M>(batch, cell, apart);
  }
#endif
  add_cells_rows<M>(batch, cell, apart);
}
#undef FLOWMARK_PAIRED_ROWS

void add_cells(const CellBatch& batch) noexcept {
  // 32 registers hold 4 x 5 sums, 16 hold 2 x 5.
  constexpr size_t kBlock = HWY_TARGET == HWY_AVX3 ? 4 : 2;
  const size_t apart = batch.cells / kBlock;
  for (size_t cell = 0; cell < apart; ++cell) add_cells_block<kBlock>(batch, cell, apart);
  for (size_t cell = apart * kBlock; cell < batch.cells; ++cell) {
    add_cells_block<1>(batch, cell, 0);
  }
}

HWY_INLINE V rectified(V value, bool relu) noexcept {
  return relu ? hn::Max(value, hn::Zero(D())) : value;
}

/// The largest of a window, for the filters from `from` on. The window's shape is fixed where R is
/// not 0.
template <size_t R>
HWY_INLINE V largest(const PoolBatch& batch, const float* from) noexcept {
  const D d;
  V most = hn::LoadU(d, from);
  if constexpr (R == 2) {
    const float* below = from + batch.map_stride;
    most = hn::Max(most, hn::LoadU(d, from + batch.cell_stride));
    return hn::Max(most, hn::Max(hn::LoadU(d, below), hn::LoadU(d, below + batch.cell_stride)));
  }
  for (size_t y = 0; y < batch.rows; ++y) {
    for (size_t x = y == 0 ? 1 : 0; x < batch.columns; ++x) {
      most = hn::Max(most, hn::LoadU(d, from + y * batch.map_stride + x * batch.cell_stride));
    }
  }
  return most;
}

template <size_t R>
HWY_INLINE void pool_windows(const PoolBatch& batch) noexcept {
  const D d;
  const size_t step = lanes();
  // Without ReLU nothing is as small as this.
  const V least = batch.relu ? hn::Zero(d) : hn::Set(d, -std::numeric_limits<float>::infinity());
  for (size_t f = 0; f < batch.out_stride; f += step) {
    const size_t real = f < batch.filters ? batch.filters - f : 0;
    const auto mask = hn::FirstN(d, real);
    const V base = hn::LoadU(d, batch.base + (real != 0 ? f : 0));
    const V background = hn::LoadU(d, batch.background + (real != 0 ? f : 0));
    for (size_t w = 0; w < batch.windows; ++w) {
      float* out = batch.out + w * batch.out_stride + f;
      if (real == 0) {
        hn::StoreU(hn::Zero(d), d, out);
        continue;
      }
      const V most = largest<R>(batch, batch.map + batch.at[w] + f);
      const V value = hn::Max(hn::Add(most, base), least);
      const V delta = hn::IfThenElseZero(mask, hn::Sub(value, background));
      const bool changed = !hn::AllFalse(d, hn::Ne(delta, hn::Zero(d)));
      batch.changed[w] = static_cast<uint8_t>((f != 0 && batch.changed[w] != 0) || changed);
      hn::StoreU(delta, d, out);
    }
  }
}

void pool_batch(const PoolBatch& batch) noexcept {
  if (batch.rows == 2 && batch.columns == 2) return pool_windows<2>(batch);
  pool_windows<0>(batch);
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

#if HWY_TARGET == HWY_AVX3
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
#else
/// Without an instruction for it, compressing vectors by tables takes several times as long.
size_t compress(const float* values, size_t n, uint32_t first, uint32_t* indices,
                float* out) noexcept {
  size_t count = 0;
  for (size_t i = 0; i < n; ++i) {
    indices[count] = first + static_cast<uint32_t>(i);
    out[count] = values[i];
    count += values[i] != 0 ? 1 : 0;
  }
  return count;
}
#endif

Kernels table() {
  return {hwy::TargetName(HWY_TARGET),
          add_rows,
          add_runs,
          clear_runs,
          add_cells,
          pool_batch,
          pool_window,
          compress,
          nullptr,
          nullptr};
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
