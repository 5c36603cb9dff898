#include "model/engine/cnn/pixel_conv.h"

#include <algorithm>

namespace flowmark {
namespace {

/// Cells of the map start at whole vectors where that costs no vector more: what one pixel has
/// stored there, the next can then load at once, and no access touches two cache lines.
size_t cell_stride(const ConvLayer& layer, const ConvGeometry& geometry) {
  const size_t aligned = padded(layer.filters), reach = geometry.x.reach;
  return padded(reach * layer.filters) == reach * aligned ? aligned : layer.filters;
}

}  // namespace

PixelConv::PixelConv(const ConvLayer& layer, ConvGeometry geometry, const Kernels& kernels)
    : geometry_(std::move(geometry)),
      kernels_(kernels),
      cell_stride_(cell_stride(layer, geometry_)),
      pool_(layer, geometry_, cell_stride_, kernels),
      in_w_(layer.in_w),
      run_(geometry_.x.reach * cell_stride_),
      map_stride_(geometry_.x.map_size * cell_stride_),
      band_rows_(layer.pool.kernel_h),
      kernel_row_(layer.stride_w * padded(run_)) {
  for (const auto& input : geometry_.x.inputs) {
    columns_.push_back({static_cast<uint32_t>(input.first * cell_stride_),
                        static_cast<uint32_t>(input.phase * padded(run_)), input.pool_begin,
                        input.pool_end});
  }
  weights_.assign(kernel_row_ * layer.kernel_h, 0.0F);
  const uint32_t reach = geometry_.x.reach;
  for (uint32_t ky = 0; ky < layer.kernel_h; ++ky) {
    for (uint32_t phase = 0; phase < layer.stride_w; ++phase) {
      float* to = weights_.data() + ky * kernel_row_ + phase * padded(run_);
      for (uint32_t j = 0; j < reach; ++j) {
        const uint32_t kx = phase + (reach - 1 - j) * layer.stride_w;
        if (kx >= layer.kernel_w) continue;
        for (uint32_t f = 0; f < layer.filters; ++f) {
          to[j * cell_stride_ + f] =
              layer.weights[(size_t{f} * layer.kernel_h + ky) * layer.kernel_w + kx];
        }
      }
    }
  }
}

PixelConv::State PixelConv::make_state() const {
  State state;
  state.band.assign(band_rows_ * map_stride_ + 2 * kKernelPad, 0.0F);
  state.taps.assign(geometry_.y.reach, {});
  state.runs.assign(kKeptRuns + geometry_.y.reach, {});
  state.active.assign(pool_.active_words(), 0);
  state.pool = pool_.make_state();
  return state;
}

void PixelConv::start(State& state) const noexcept {
  if (state.in_band) {  // the inference before was given up in the middle
    leave_band(state);
    std::fill(state.active.begin(), state.active.end(), 0);
  }
  state.next = 0;
  state.band_row = 0;
}

/// Finds the next row of pooling windows that a pixel reaches.
bool PixelConv::enter_band(State& state, std::span<const SparseValue> window) const noexcept {
  for (; state.next < window.size(); ++state.next) {
    const auto& input = geometry_.y.inputs[window[state.next].index / in_w_];
    const uint32_t row = std::max(state.band_row, input.pool_begin);
    if (row >= input.pool_end) continue;  // seen by the bands before, or by none
    state.band_row = row;
    state.in_band = true;
    state.scattered = false;
    state.clear_all = false;
    state.run_count = 0;
    state.row_end = 0;
    state.following = window.size();
    return true;
  }
  return false;
}

/// Which map rows and kernel rows go with a row of the picture.
void PixelConv::enter_row(State& state, uint32_t row) const noexcept {
  const auto& input = geometry_.y.inputs[row];
  const auto& band = geometry_.y.windows[state.band_row];
  state.row_begin = row * in_w_;
  state.row_end = state.row_begin + in_w_;
  state.tap_count = 0;
  const uint32_t end = std::min(input.out_end, band.end);
  for (uint32_t y = std::max(input.out_begin, band.begin); y < end; ++y) {
    const uint32_t ky = input.phase + (input.first - y) * geometry_.y.stride;
    state.taps[state.tap_count++] = {static_cast<uint32_t>((y - band.begin) * map_stride_),
                                     static_cast<uint32_t>(ky * kernel_row_), 0};
  }
}

void PixelConv::scatter(State& state, std::span<const SparseValue> window,
                        int64_t& work) const noexcept {
  const auto& band = geometry_.y.windows[state.band_row];
  const bool last = state.band_row + 1 == geometry_.y.windows.size();
  const uint32_t following_row =
      last ? UINT32_MAX : geometry_.y.windows[state.band_row + 1].in_begin;
  const size_t end = std::min(window.size(), state.next + kPixelChunk);
  size_t first_run = state.run_count;
  for (; state.next < end; ++state.next) {
    const SparseValue& pixel = window[state.next];
    if (pixel.index >= state.row_end) {
      const uint32_t row = pixel.index / in_w_;
      if (row >= band.in_end) {
        state.scattered = true;
        break;
      }
      if (row >= following_row) state.following = std::min(state.following, state.next);
      enter_row(state, row);
    }
    const Column& column = columns_[pixel.index - state.row_begin];
    if (state.run_count + state.tap_count > kKeptRuns) {
      kernels_.add_runs(state.band.data(), weights_.data(), run_, state.runs.data() + first_run,
                        state.run_count - first_run);
      state.clear_all = true;
      state.run_count = first_run = 0;
    }
    ScaledRun* run = state.runs.data() + state.run_count;
    for (size_t t = 0; t < state.tap_count; ++t) {
      const ScaledRun& tap = state.taps[t];
      *run++ = {tap.to + column.to, tap.from + column.from, pixel.value};
    }
    state.run_count += state.tap_count;
    set_bits(state.active.data(), column.pool_begin, column.pool_end);
  }
  kernels_.add_runs(state.band.data(), weights_.data(), run_, state.runs.data() + first_run,
                    state.run_count - first_run);
  work -= static_cast<int64_t>(kPixelChunk * (10 + geometry_.y.reach * padded(run_) / 4));
  if (state.next == window.size()) state.scattered = true;
  if (state.scattered) pool_.start_row(state.pool, state.active.data());
}

void PixelConv::leave_band(State& state) const noexcept {
  if (state.clear_all) {
    std::fill(state.band.begin(), state.band.end(), 0.0F);
  } else {
    kernels_.clear_runs(state.band.data(), run_, state.runs.data(), state.run_count);
  }
  state.next = std::min(state.next, state.following);
  ++state.band_row;
  state.in_band = false;
}

CellRow PixelConv::step(State& state, std::span<const SparseValue> window,
                        int64_t& work) const noexcept {
  while (work > 0) {
    if (!state.in_band) {
      if (!enter_band(state, window)) return {};
    } else if (!state.scattered) {
      scatter(state, window, work);
    } else if (!ConvPool::done(state.pool)) {
      const float* origin = state.band.data() + geometry_.x.margin * cell_stride_;
      const CellRow cells = pool_.run(state.pool, state.band_row, origin, map_stride_);
      work -= static_cast<int64_t>(cells.count * pool_.cost());
      return cells;
    } else {
      work -= static_cast<int64_t>(state.run_count);
      leave_band(state);
    }
  }
  return {};
}

}  // namespace flowmark
