// Vectors as long as the instruction set has them.
// Included once for each instruction set.
#if defined(FLOWMARK_KERNEL_SIMD_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FLOWMARK_KERNEL_SIMD_VECTORS_INL_H_
#undef FLOWMARK_KERNEL_SIMD_VECTORS_INL_H_
#else
#define FLOWMARK_KERNEL_SIMD_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

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

}  // namespace HWY_NAMESPACE
}  // namespace flowmark
HWY_AFTER_NAMESPACE();

#endif
