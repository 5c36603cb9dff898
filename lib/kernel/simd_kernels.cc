// The kernels in portable SIMD, compiled once for each instruction set that Highway knows of this
// architecture. One table a target; dispatch.cc chooses among them.
#include "kernel/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/simd_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernel/cell_kernels-inl.h"
#include "kernel/kernels.h"
#include "kernel/pool_kernels-inl.h"
#include "kernel/row_kernels-inl.h"
#include "kernel/simd_kernels.h"
#include "kernel/simd_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace flowmark {
namespace HWY_NAMESPACE {

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
