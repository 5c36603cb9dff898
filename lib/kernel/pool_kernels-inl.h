// The largest of a pooling window, and whether it differs from an empty picture's.
// Included once for each instruction set.
#if defined(FLOWMARK_KERNEL_POOL_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FLOWMARK_KERNEL_POOL_KERNELS_INL_H_
#undef FLOWMARK_KERNEL_POOL_KERNELS_INL_H_
#else
#define FLOWMARK_KERNEL_POOL_KERNELS_INL_H_
#endif

#include <limits>

#include "kernel/kernels.h"
#include "kernel/simd_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace flowmark {
namespace HWY_NAMESPACE {

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

}  // namespace HWY_NAMESPACE
}  // namespace flowmark
HWY_AFTER_NAMESPACE();

#endif
