// Sums of scaled rows of weights: dense layers, and convolutions pixel by pixel.
// Included once for each instruction set.
#if defined(FLOWMARK_KERNEL_ROW_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FLOWMARK_KERNEL_ROW_KERNELS_INL_H_
#undef FLOWMARK_KERNEL_ROW_KERNELS_INL_H_
#else
#define FLOWMARK_KERNEL_ROW_KERNELS_INL_H_
#endif

#include "kernel/kernels.h"
#include "kernel/simd_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace flowmark {
namespace HWY_NAMESPACE {

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

}  // namespace HWY_NAMESPACE
}  // namespace flowmark
HWY_AFTER_NAMESPACE();

#endif
