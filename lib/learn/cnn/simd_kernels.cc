// The training kernels in portable SIMD, compiled once for each instruction set that Highway knows
// of this architecture.
#include "kernel/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learn/cnn/simd_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cstring>

#include "learn/cnn/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace flowmark {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;

HWY_INLINE size_t lanes() noexcept {
  return hn::Lanes(D());
}

void pool(const CnnPool& task) noexcept {
  const D d;
  const DI di;
  const V zero = hn::Zero(d);
  for (size_t w = 0; w < task.windows; ++w) {
    const uint32_t* background_at = task.background_at + task.window_class[w] * task.subs;
    const float* map = task.map + task.at[w];
    for (size_t f = 0; f < task.filter_stride; f += lanes()) {
      const size_t at = w * task.filter_stride + f;
      if (f >= task.filters) {
        hn::StoreU(zero, d, task.out + at);
        hn::StoreU(hn::Set(di, -1), di, task.winner + at);
        continue;
      }
      V most = zero;
      auto winner = hn::Set(di, -1);
      for (size_t sub = 0; sub < task.subs; ++sub) {
        const V value = hn::Add(hn::LoadU(d, task.background + background_at[sub] + f),
                                hn::LoadU(d, map + task.place[sub] + f));
        const auto greater = hn::Gt(value, most);
        most = hn::IfThenElse(greater, value, most);
        winner = hn::IfThenElse(hn::RebindMask(di, greater), hn::Set(di, static_cast<int32_t>(sub)),
                                winner);
      }
      if (task.base != nullptr) {
        const size_t base = task.window_class[w] * task.filter_stride + f;
        most = hn::Sub(most, hn::LoadU(d, task.base + base));
      }
      const auto real = hn::FirstN(d, task.filters - f);
      hn::StoreU(hn::IfThenElseZero(real, most), d, task.out + at);
      hn::StoreU(hn::IfThenElse(hn::RebindMask(di, real), winner, hn::Set(di, -1)), di,
                 task.winner + at);
    }
  }
}

void spread(const CnnSpread& task) noexcept {
  const D d;
  const DI di;
  for (size_t f = 0; f < task.filter_stride; f += lanes()) {
    V sum = hn::LoadU(d, task.sum + f);
    for (size_t w = 0; w < task.windows; ++w) {
      const size_t at = w * task.filter_stride + f;
      const V gradient = hn::LoadU(d, task.gradient + at);
      const auto winner = hn::LoadU(di, task.winner + at);
      float* map = task.map + w * task.subs * task.filter_stride + f;
      for (size_t sub = 0; sub < task.subs; ++sub) {
        const auto won = hn::Eq(winner, hn::Set(di, static_cast<int32_t>(sub)));
        hn::StoreU(hn::IfThenElseZero(hn::RebindMask(d, won), gradient), d,
                   map + sub * task.filter_stride);
      }
      const auto lost = hn::Lt(winner, hn::Zero(di));
      sum = hn::Add(sum, hn::IfThenZeroElse(hn::RebindMask(d, lost), gradient));
    }
    hn::StoreU(sum, d, task.sum + f);
  }
}

void take_runs(float* weights, const float* map, size_t n, const ScaledRun* runs,
               size_t count) noexcept {
  const D d;
  for (size_t k = 0; k < count; ++k) {
    float* to = weights + runs[k].from;
    const float* from = map + runs[k].to;
    const V value = hn::Set(d, runs[k].value);
    for (size_t i = 0; i < n; i += lanes()) {
      hn::StoreU(hn::MulAdd(value, hn::LoadU(d, from + i), hn::LoadU(d, to + i)), d, to + i);
    }
  }
}

/// One vector of channels of one cell.
HWY_INLINE void cell_back_vector(const CnnCellBack& task, size_t cell, size_t c) noexcept {
  const D d;
  const V value = hn::LoadU(d, task.values + cell * task.stride + c);
  V gradient = hn::Zero(d);
  for (size_t row = 0; row < task.rows; ++row) {
    const size_t place = task.reach[cell].place + row * task.map_columns;
    const uint32_t end = task.first[place + task.columns];
    const size_t shift = row * task.columns * task.filters - task.reach[cell].column;
    for (uint32_t e = task.first[place]; e < end; ++e) {
      const CnnEntry& entry = task.entries[e];
      const size_t at = (shift + entry.column) * task.stride + c;
      const V g = hn::Set(d, entry.gradient);
      gradient = hn::MulAdd(g, hn::LoadU(d, task.weights + at), gradient);
      float* weight_gradient = task.weight_gradient + at;
      hn::StoreU(hn::MulAdd(g, value, hn::LoadU(d, weight_gradient)), d, weight_gradient);
    }
  }
  hn::StoreU(gradient, d, task.gradient + cell * task.stride + c);
}

void cell_back(const CnnCellBack& task) noexcept {
  for (size_t cell = 0; cell < task.cells; ++cell) {
    for (size_t c = 0; c < task.stride; c += lanes()) cell_back_vector(task, cell, c);
  }
}

/// M rows by N vectors of the product, kept in registers over all k.
template <size_t M, size_t N>
HWY_INLINE void product_tile(const CnnProduct& task, size_t m, size_t n) noexcept {
  const D d;
  const size_t step = lanes();
  V sum[M][N];
  for (size_t i = 0; i < M; ++i) {
    for (size_t j = 0; j < N; ++j) {
      sum[i][j] = task.init != nullptr ? hn::LoadU(d, task.init + n + j * step) : hn::Zero(d);
    }
  }
  const float* a = task.a + m * task.a_row;
  const float* b = task.b + n;
  for (size_t k = 0; k < task.k; ++k) {
    V row[N];
    for (size_t j = 0; j < N; ++j) row[j] = hn::LoadU(d, b + j * step);
    for (size_t i = 0; i < M; ++i) {
      const V factor = hn::Set(d, a[i * task.a_row]);
      for (size_t j = 0; j < N; ++j) sum[i][j] = hn::MulAdd(factor, row[j], sum[i][j]);
    }
    a += task.a_column;
    b += task.b_row;
  }
  float* c = task.c + m * task.c_row + n;
  for (size_t i = 0; i < M; ++i) {
    for (size_t j = 0; j < N; ++j) hn::StoreU(sum[i][j], d, c + i * task.c_row + j * step);
  }
}

template <size_t N>
HWY_INLINE void product_columns(const CnnProduct& task, size_t n) noexcept {
  size_t m = 0;
  for (; m + 6 <= task.m; m += 6) product_tile<6, N>(task, m, n);
  for (; m < task.m; ++m) product_tile<1, N>(task, m, n);
}

void product(const CnnProduct& task) noexcept {
  size_t n = 0;
  for (; n + 2 * lanes() <= task.n; n += 2 * lanes()) product_columns<2>(task, n);
  for (; n < task.n; n += lanes()) product_columns<1>(task, n);
}

void adam(const CnnAdam& task) noexcept {
  const D d;
  const V beta1 = hn::Set(d, task.beta1);
  const V beta2 = hn::Set(d, task.beta2);
  const V rest1 = hn::Set(d, 1 - task.beta1);
  const V rest2 = hn::Set(d, 1 - task.beta2);
  const V scale = hn::Set(d, task.scale);
  const V epsilon = hn::Set(d, task.epsilon);
  const V step = hn::Set(d, task.step);
  const V keep = hn::Set(d, task.keep);
  for (size_t i = 0; i < task.n; i += lanes()) {
    const V g = hn::LoadU(d, task.gradient + i);
    const V mean = hn::MulAdd(hn::LoadU(d, task.mean + i), beta1, hn::Mul(g, rest1));
    const V square =
        hn::MulAdd(hn::LoadU(d, task.square + i), beta2, hn::Mul(hn::Mul(g, g), rest2));
    hn::StoreU(mean, d, task.mean + i);
    hn::StoreU(square, d, task.square + i);
    const V root = hn::Add(hn::Div(hn::Sqrt(square), scale), epsilon);
    const V old = hn::Mul(hn::LoadU(d, task.parameters + i), keep);
    hn::StoreU(hn::NegMulAdd(step, hn::Div(mean, root), old), d, task.parameters + i);
  }
}

void add(float* to, const float* from, size_t n) noexcept {
  const D d;
  size_t i = 0;
  for (; i + lanes() <= n; i += lanes()) {
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, from + i)), d, to + i);
  }
  for (; i < n; ++i) to[i] += from[i];
}

void gate(float* gradient, const float* value, float scale, size_t n) noexcept {
  const D d;
  const V factor = hn::Set(d, scale);
  size_t i = 0;
  for (; i + lanes() <= n; i += lanes()) {
    const auto open = hn::Gt(hn::LoadU(d, value + i), hn::Zero(d));
    hn::StoreU(hn::IfThenElseZero(open, hn::Mul(hn::LoadU(d, gradient + i), factor)), d,
               gradient + i);
  }
  for (; i < n; ++i) gradient[i] = value[i] > 0 ? gradient[i] * scale : 0;
}

}  // namespace

CnnKernels cnn_table() {
  return {
      hwy::TargetName(HWY_TARGET), pool, spread, take_runs, cell_back, product, adam, add, gate};
}

}  // namespace HWY_NAMESPACE
}  // namespace flowmark
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flowmark {
HWY_EXPORT(cnn_table);

namespace {

std::vector<CnnKernels> simd_sets() {
  std::vector<CnnKernels> sets;
  // A lower bit is a better target; only code of those that this processor has may run.
  for (int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    if (target == HWY_SCALAR) continue;  // the specification stands for it
    hwy::ChosenTarget chosen;
    chosen.Update(target);
    sets.push_back(HWY_DISPATCH_TABLE(cnn_table)[chosen.GetIndex()]());
  }
  return sets;
}

}  // namespace

std::vector<const CnnKernels*> available_cnn_kernels() {
  static const std::vector<CnnKernels> simd = simd_sets();
  std::vector<const CnnKernels*> sets;
  for (const CnnKernels& kernels : simd) sets.push_back(&kernels);
  sets.push_back(&scalar_cnn_kernels());
  return sets;
}

const CnnKernels& default_cnn_kernels() {
  const Kernels& chosen = default_kernels();
  for (const CnnKernels* kernels : available_cnn_kernels()) {
    if (std::strcmp(kernels->target, chosen.target) == 0) return *kernels;
  }
  return scalar_cnn_kernels();
}

}  // namespace flowmark
#endif
