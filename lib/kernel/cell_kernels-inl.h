// Convolutions of the cells that are not empty: small matrix products.
// Included once for each instruction set.
#if defined(FLOWMARK_KERNEL_CELL_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FLOWMARK_KERNEL_CELL_KERNELS_INL_H_
#undef FLOWMARK_KERNEL_CELL_KERNELS_INL_H_
#else
#define FLOWMARK_KERNEL_CELL_KERNELS_INL_H_
#endif

#include "kernel/kernels.h"
#include "kernel/simd_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace flowmark {
namespace HWY_NAMESPACE {

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

}  // namespace HWY_NAMESPACE
}  // namespace flowmark
HWY_AFTER_NAMESPACE();

#endif
