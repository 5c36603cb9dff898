#include "model/engine/cnn/cell_conv.h"

#include <algorithm>
#include <cstring>

#include "kernel/bf16.h"

namespace flowmark {
namespace {

constexpr size_t kChunkUnits = 2048;
constexpr size_t kCellAlign = 4;

size_t positions_of_phase(const AxisGeometry& axis, uint32_t phase) {
  return static_cast<size_t>(
      std::count_if(axis.inputs.begin(), axis.inputs.end(),
                    [phase](const AxisGeometry::Input& input) { return input.phase == phase; }));
}

/// [row][channel][stride] as [row][pair of channels][stride].
AlignedVector<Bf16Pair> in_pairs(const AlignedVector<float>& weights, size_t rows, size_t channels,
                                 size_t stride) {
  const size_t pairs = (channels + 1) / 2;
  AlignedVector<Bf16Pair> paired(rows * pairs * stride);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = 0; i < stride; ++i) {
        Bf16Pair& pair = paired[(row * pairs + c / 2) * stride + i];
        (c % 2 == 0 ? pair.even : pair.odd) = to_bf16(weights[(row * channels + c) * stride + i]);
      }
    }
  }
  return paired;
}

}  // namespace

CellConv::CellConv(const ConvLayer& layer, ConvGeometry geometry, const Kernels& kernels,
                   Precision precision)
    : geometry_(std::move(geometry)),
      kernels_(kernels),
      pool_(layer, geometry_, layer.filters, kernels),
      channels_(layer.in_channels),
      value_stride_((channels_ + kCellAlign - 1) / kCellAlign * kCellAlign),
      filters_(layer.filters),
      columns_(size_t{geometry_.x.reach} * filters_),
      weight_stride_(padded(columns_)),
      map_stride_(geometry_.x.map_size * filters_),
      cell_cost_(geometry_.y.reach * weight_stride_ / kKernelPad * (channels_ + 4) + 10),
      cell_chunk_(std::clamp<size_t>(kChunkUnits / cell_cost_, 1, 64)) {
  if (cell_chunk_ > kCellAlign) cell_chunk_ -= cell_chunk_ % kCellAlign;
  const uint32_t reach_y = geometry_.y.reach, reach_x = geometry_.x.reach;
  const size_t taps = size_t{layer.kernel_h} * layer.kernel_w;
  for (uint32_t py = 0; py < layer.stride_h; ++py) {
    for (uint32_t px = 0; px < layer.stride_w; ++px) {
      AlignedVector<float> phase(reach_y * channels_ * weight_stride_, 0.0F);
      for (uint32_t row = 0; row < reach_y; ++row) {
        const uint32_t ky = py + (reach_y - 1 - row) * layer.stride_h;
        for (uint32_t j = 0; j < reach_x; ++j) {
          const uint32_t kx = px + (reach_x - 1 - j) * layer.stride_w;
          if (ky >= layer.kernel_h || kx >= layer.kernel_w) continue;
          for (size_t c = 0; c < channels_; ++c) {
            float* to = phase.data() + (row * channels_ + c) * weight_stride_ + j * filters_;
            for (size_t f = 0; f < filters_; ++f) {
              to[f] = layer.weights[(f * channels_ + c) * taps + ky * layer.kernel_w + kx];
            }
          }
        }
      }
      if (precision == Precision::bf16) {
        bf16_weights_.push_back(in_pairs(phase, reach_y, channels_, weight_stride_));
      } else {
        weights_.push_back(std::move(phase));
      }
    }
  }
}

CellConv::State CellConv::make_state() const {
  State state;
  for (uint32_t py = 0; py < geometry_.y.stride; ++py) {
    for (uint32_t px = 0; px < geometry_.x.stride; ++px) {
      const size_t most = positions_of_phase(geometry_.y, py) * positions_of_phase(geometry_.x, px);
      auto& bucket = state.buckets.emplace_back();
      bucket.values.assign(most * value_stride_, 0.0F);
      bucket.to.assign(most, 0);
    }
  }
  state.map.assign(geometry_.y.map_size * map_stride_ + 2 * kKernelPad, 0.0F);
  state.dirty.assign(geometry_.y.map_size, 0);
  state.active.assign(geometry_.y.windows.size() * pool_.active_words(), 0);
  state.active_rows.assign(geometry_.y.windows.size(), 0);
  state.pool = pool_.make_state();
  return state;
}

void CellConv::start(State& state) const noexcept {
  if (!state.clean) clear(state);
  state.bucket = 0;
  state.next = 0;
  state.row = 0;
  state.clear_row = 0;
  state.in_row = false;
}

/// Leaves no trace of an inference that was given up in the middle.
void CellConv::clear(State& state) const noexcept {
  for (auto& bucket : state.buckets) bucket.count = 0;
  std::fill(state.map.begin(), state.map.end(), 0.0F);
  std::fill(state.dirty.begin(), state.dirty.end(), uint8_t{0});
  std::fill(state.active.begin(), state.active.end(), uint64_t{0});
  std::fill(state.active_rows.begin(), state.active_rows.end(), uint8_t{0});
  state.clean = true;
}

uint32_t CellConv::accept(State& state, const CellRow& cells) const noexcept {
  const auto& y = geometry_.y.inputs[cells.row];
  if (y.out_begin == y.out_end) return 1;
  const size_t words = pool_.active_words();
  const size_t row_phase = size_t{y.phase} * geometry_.x.stride;
  const size_t row_to = y.first * map_stride_;
  bool any = false;
  for (size_t i = 0; i < cells.count; ++i) {
    const auto& x = geometry_.x.inputs[cells.columns[i]];
    if (cells.changed[i] == 0 || x.out_begin == x.out_end) continue;
    any = true;
    auto& bucket = state.buckets[row_phase + x.phase];
    const float* from = cells.deviations + i * cells.stride;
    float* to = bucket.values.data() + bucket.count * value_stride_;
    for (size_t c = 0; c < value_stride_; c += kCellAlign) {
      std::memcpy(to + c, from + c, kCellAlign * sizeof(float));
    }
    bucket.to[bucket.count++] = static_cast<uint32_t>(row_to + x.first * filters_);
    for (uint32_t p = y.pool_begin; p < y.pool_end; ++p) {
      set_bits(state.active.data() + p * words, x.pool_begin, x.pool_end);
    }
  }
  if (any) {
    state.clean = false;
    std::fill_n(state.dirty.begin() + y.first, geometry_.y.reach, uint8_t{1});
    std::fill(state.active_rows.begin() + y.pool_begin, state.active_rows.begin() + y.pool_end,
              uint8_t{1});
  }
  return static_cast<uint32_t>(10 + 16 * cells.count);
}

template <typename Weight>
BasicCellBatch<Weight> CellConv::batch_of(State& state, const Weight* weights) const noexcept {
  auto& bucket = state.buckets[state.bucket];
  BasicCellBatch<Weight> batch;
  batch.values = bucket.values.data() + state.next * value_stride_;
  batch.to = bucket.to.data() + state.next;
  batch.cells = std::min(cell_chunk_, bucket.count - state.next);
  batch.value_stride = value_stride_;
  batch.channels = channels_;
  batch.weights = weights;
  batch.weight_stride = weight_stride_;
  batch.rows = geometry_.y.reach;
  batch.columns = columns_;
  batch.map = state.map.data();
  batch.map_stride = map_stride_;
  return batch;
}

void CellConv::add_cells(State& state, int64_t& work) const noexcept {
  const size_t cells = std::min(cell_chunk_, state.buckets[state.bucket].count - state.next);
  if (bf16_weights_.empty()) {
    kernels_.add_cells(batch_of(state, weights_[state.bucket].data()));
  } else {
    kernels_.add_cells_bf16(batch_of(state, bf16_weights_[state.bucket].data()));
  }
  state.next += cells;
  work -= static_cast<int64_t>(cells * cell_cost_);
}

CellRow CellConv::step(State& state, int64_t& work) const noexcept {
  while (work > 0) {
    if (state.bucket < state.buckets.size()) {
      if (state.next < state.buckets[state.bucket].count) {
        add_cells(state, work);
      } else {
        state.buckets[state.bucket++].count = 0;
        state.next = 0;
      }
    } else if (state.in_row) {
      if (ConvPool::done(state.pool)) {
        state.in_row = false;
        ++state.row;
        continue;
      }
      const size_t map_row = geometry_.y.windows[state.row].begin + geometry_.y.margin;
      const float* origin =
          state.map.data() + map_row * map_stride_ + geometry_.x.margin * filters_;
      const CellRow cells = pool_.run(state.pool, state.row, origin, map_stride_);
      work -= static_cast<int64_t>(cells.count * pool_.cost());
      return cells;
    } else if (state.row < state.active_rows.size()) {
      if (state.active_rows[state.row] == 0) {
        ++state.row;
        continue;
      }
      state.active_rows[state.row] = 0;
      pool_.start_row(state.pool, state.active.data() + state.row * pool_.active_words());
      state.in_row = true;
    } else if (state.clear_row < state.dirty.size()) {
      if (state.dirty[state.clear_row] != 0) {
        // The last vectors of a row may have reached into the next; they added 0.
        std::fill_n(state.map.begin() + static_cast<ptrdiff_t>(state.clear_row * map_stride_),
                    map_stride_, 0.0F);
        state.dirty[state.clear_row] = 0;
        work -= static_cast<int64_t>(map_stride_ / kKernelPad);
      }
      if (++state.clear_row == state.dirty.size()) state.clean = true;
    } else {
      return {};
    }
  }
  return {};
}

}  // namespace flowmark
