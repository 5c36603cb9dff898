// The specification of the training kernels: what the vectorised ones are tested against.
#include <algorithm>
#include <cmath>

#include "learn/cnn/kernels.h"

namespace flowmark {
namespace {

void pool(const CnnPool& task) noexcept {
  for (size_t w = 0; w < task.windows; ++w) {
    const uint32_t* background_at = task.background_at + task.window_class[w] * task.subs;
    float* out = task.out + w * task.filter_stride;
    int32_t* winner = task.winner + w * task.filter_stride;
    std::fill_n(out, task.filter_stride, 0.0F);
    std::fill_n(winner, task.filter_stride, -1);
    for (size_t f = 0; f < task.filters; ++f) {
      float most = 0;
      for (size_t sub = 0; sub < task.subs; ++sub) {
        const float value =
            task.background[background_at[sub] + f] + task.map[task.at[w] + task.place[sub] + f];
        if (value > most) {
          most = value;
          winner[f] = static_cast<int32_t>(sub);
        }
      }
      const size_t base = task.window_class[w] * task.filter_stride + f;
      out[f] = task.base != nullptr ? most - task.base[base] : most;
    }
  }
}

void spread(const CnnSpread& task) noexcept {
  for (size_t w = 0; w < task.windows; ++w) {
    for (size_t f = 0; f < task.filter_stride; ++f) {
      const size_t at = w * task.filter_stride + f;
      for (size_t sub = 0; sub < task.subs; ++sub) {
        const bool won = task.winner[at] == static_cast<int32_t>(sub);
        task.map[(w * task.subs + sub) * task.filter_stride + f] = won ? task.gradient[at] : 0;
      }
      task.sum[f] += task.winner[at] >= 0 ? task.gradient[at] : 0;
    }
  }
}

void take_runs(float* weights, const float* map, size_t n, const ScaledRun* runs,
               size_t count) noexcept {
  for (size_t k = 0; k < count; ++k) {
    for (size_t i = 0; i < n; ++i) weights[runs[k].from + i] += runs[k].value * map[runs[k].to + i];
  }
}

void cell_back(const CnnCellBack& task) noexcept {
  for (size_t cell = 0; cell < task.cells; ++cell) {
    const float* values = task.values + cell * task.stride;
    float* gradient = task.gradient + cell * task.stride;
    std::fill_n(gradient, task.stride, 0.0F);
    for (size_t row = 0; row < task.rows; ++row) {
      const size_t place = task.reach[cell].place + row * task.map_columns;
      const size_t weight = row * task.columns * task.filters;
      for (uint32_t e = task.first[place]; e < task.first[place + task.columns]; ++e) {
        const CnnEntry& entry = task.entries[e];
        const size_t at = (weight + entry.column - task.reach[cell].column) * task.stride;
        for (size_t c = 0; c < task.stride; ++c) {
          gradient[c] += entry.gradient * task.weights[at + c];
          task.weight_gradient[at + c] += entry.gradient * values[c];
        }
      }
    }
  }
}

void product(const CnnProduct& task) noexcept {
  for (size_t m = 0; m < task.m; ++m) {
    for (size_t n = 0; n < task.n; ++n) {
      float sum = task.init != nullptr ? task.init[n] : 0;
      for (size_t k = 0; k < task.k; ++k) {
        sum += task.a[m * task.a_row + k * task.a_column] * task.b[k * task.b_row + n];
      }
      task.c[m * task.c_row + n] = sum;
    }
  }
}

void adam(const CnnAdam& task) noexcept {
  for (size_t i = 0; i < task.n; ++i) {
    const float g = task.gradient[i];
    task.mean[i] = task.mean[i] * task.beta1 + g * (1 - task.beta1);
    task.square[i] = task.square[i] * task.beta2 + g * g * (1 - task.beta2);
    const float root = std::sqrt(task.square[i]) / task.scale + task.epsilon;
    task.parameters[i] = task.parameters[i] * task.keep - task.step * (task.mean[i] / root);
  }
}

void add(float* to, const float* from, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) to[i] += from[i];
}

void gate(float* gradient, const float* value, float scale, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) gradient[i] = value[i] > 0 ? gradient[i] * scale : 0;
}

}  // namespace

const CnnKernels& scalar_cnn_kernels() noexcept {
  static constexpr CnnKernels kKernels{"SCALAR", pool, spread, take_runs, cell_back,
                                       product,  adam, add,    gate};
  return kKernels;
}

}  // namespace flowmark
