#include "model/engine/cnn/conv_pool.h"

#include <algorithm>
#include <bit>

namespace flowmark {

ConvPool::ConvPool(const ConvLayer& layer, const ConvGeometry& geometry, size_t cell_stride,
                   const Kernels& kernels)
    : geometry_(geometry),
      kernels_(kernels),
      shape_(layer.pool),
      filters_(layer.filters),
      cell_stride_(cell_stride),
      stride_(geometry.pooled.stride),
      relu_(layer.relu),
      cost_(static_cast<uint32_t>(20 +
                                  2 * stride_ / kKernelPad * shape_.kernel_h * shape_.kernel_w)) {}

ConvPool::State ConvPool::make_state() const {
  State state;
  state.columns.assign(geometry_.x.windows.size(), 0);
  state.deviations.assign(kChunk * stride_ + kKernelPad, 0.0F);
  state.changed.assign(kChunk, 0);
  state.at.assign(kChunk, 0);
  state.map_cells.assign(size_t{shape_.kernel_h} * shape_.kernel_w, nullptr);
  state.base_cells = state.map_cells;
  return state;
}

void ConvPool::start_row(State& state, uint64_t* active) const noexcept {
  state.count = 0;
  state.next = 0;
  for (size_t word = 0; word < active_words(); ++word) {
    for (uint64_t left = active[word]; left != 0; left &= left - 1) {
      state.columns[state.count++] =
          static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(left)));
    }
    active[word] = 0;
  }
}

CellRow ConvPool::run(State& state, uint32_t row, const float* origin,
                      size_t map_stride) const noexcept {
  const uint32_t* columns = state.columns.data() + state.next;
  const size_t count = std::min(kChunk, state.count - state.next);
  const auto& windows = geometry_.x.windows;
  const uint32_t row_class = geometry_.y.windows[row].uniform;
  const uint32_t column_class = geometry_.x.main_class;
  const auto is_plain = [&](size_t i) {
    return row_class != AxisGeometry::kMixed && windows[columns[i]].uniform == column_class;
  };
  for (size_t i = 0; i < count;) {
    const size_t first = i;
    for (; i < count && is_plain(i); ++i) {
      state.at[i] = static_cast<uint32_t>(windows[columns[i]].begin * cell_stride_);
    }
    if (i == first) {
      run_mixed(state, row, columns[i], origin, map_stride, i);
      ++i;
      continue;
    }
    PoolBatch batch;
    batch.map = origin;
    batch.map_stride = map_stride;
    batch.at = state.at.data() + first;
    batch.windows = i - first;
    batch.rows = shape_.kernel_h;
    batch.columns = shape_.kernel_w;
    batch.cell_stride = cell_stride_;
    batch.filters = filters_;
    batch.base = geometry_.base.of_classes(row_class, column_class);
    batch.background = geometry_.pooled.at(row, columns[first]);
    batch.relu = relu_;
    batch.out = state.deviations.data() + first * stride_;
    batch.out_stride = stride_;
    batch.changed = state.changed.data() + first;
    kernels_.pool_batch(batch);
  }
  state.next += count;
  return {row, count, columns, state.changed.data(), state.deviations.data(), stride_};
}

void ConvPool::run_mixed(State& state, uint32_t row, uint32_t column, const float* origin,
                         size_t map_stride, size_t slot) const noexcept {
  const auto& wy = geometry_.y.windows[row];
  const auto& wx = geometry_.x.windows[column];
  size_t cells = 0;
  for (uint32_t y = wy.begin; y < wy.end; ++y) {
    for (uint32_t x = wx.begin; x < wx.end; ++x) {
      state.map_cells[cells] = origin + (y - wy.begin) * map_stride + x * cell_stride_;
      state.base_cells[cells++] = geometry_.base.at(y, x);
    }
  }
  PoolWindow window;
  window.map = state.map_cells.data();
  window.base = state.base_cells.data();
  window.cells = cells;
  window.filters = filters_;
  window.background = geometry_.pooled.at(row, column);
  window.relu = relu_;
  window.out = state.deviations.data() + slot * stride_;
  state.changed[slot] = kernels_.pool_window(window) ? 1 : 0;
}

}  // namespace flowmark
