#include "learn/cnn/sample.h"

#include <algorithm>

namespace flowmark {

CnnSampleGradient::CnnSampleGradient(const CnnGeometry& geometry)
    : weights(geometry.dense.front().weights), classes(geometry) {}

void CnnSampleGradient::clear() {
  std::fill(weights.begin(), weights.end(), 0.0F);
  classes.clear();
}

CnnSampleRunner::CnnSampleRunner(const CnnGeometry& geometry, const CnnBackground& background)
    : geometry_(geometry),
      background_(background),
      kernels_(default_kernels()),
      cnn_kernels_(default_cnn_kernels()) {
  for (const CnnLayer& layer : geometry.layers) {
    Scratch scratch;
    scratch.slot.assign(layer.windows(), kIdle);
    const uint32_t pool = layer.conv.pool;
    for (uint32_t sub = 0; sub < layer.subs(); ++sub) {
      const size_t place =
          layer.first ? sub * layer.filter_stride
                      : (sub / pool * layer.w.places + sub % pool) * size_t{layer.conv.filters};
      scratch.place.push_back(static_cast<uint32_t>(place));
    }
    scratch_.push_back(std::move(scratch));
  }
}

void CnnSampleRunner::forward(std::span<const SparseValue> pixels, float scale,
                              const float* parameters,
                              const std::vector<AlignedVector<float>>& forward_weights,
                              const CnnDropDraw* drop, CnnSample& sample, float* flat) {
  sample.layers.resize(geometry_.layers.size());
  first_layer(pixels, scale, parameters, sample);
  for (size_t l = 1; l < geometry_.layers.size(); ++l) {
    inner_layer(l, forward_weights[l], sample);
  }
  sample.idle_winner.clear();
  if (drop != nullptr) {
    pool_dropped(*drop, sample, flat);
    return;
  }
  std::copy(background_.flat().begin(), background_.flat().end(), flat);
  const CnnLayer& last = geometry_.layers.back();
  const CnnSample::Layer& active = sample.layers.back();
  for (size_t i = 0; i < active.windows.size(); ++i) {
    std::copy_n(active.values.data() + i * last.filter_stride, last.conv.filters,
                flat + size_t{active.windows[i]} * last.conv.filters);
  }
}

/// Notes the windows of a layer that an input cell reaches.
void CnnSampleRunner::mark(size_t l, uint32_t y, uint32_t x, CnnSample& sample) {
  const CnnLayer& layer = geometry_.layers[l];
  for (uint32_t row = layer.h.first_window[y]; row < layer.h.end_window[y]; ++row) {
    int32_t* slots = scratch_[l].slot.data() + size_t{row} * layer.w.pooled;
    for (uint32_t column = layer.w.first_window[x]; column < layer.w.end_window[x]; ++column) {
      if (slots[column] == kIdle) {
        slots[column] = kMarked;
        sample.layers[l].windows.push_back(row * layer.w.pooled + column);
      }
    }
  }
}

/// Puts the marked windows in the order of the next layer's phases.
void CnnSampleRunner::number_windows(size_t l, CnnSample& sample) {
  const CnnLayer& layer = geometry_.layers[l];
  CnnSample::Layer& active = sample.layers[l];
  std::vector<int32_t>& slot = scratch_[l].slot;
  const size_t count = active.windows.size();
  active.window_class.resize(count);
  if (l + 1 < geometry_.layers.size()) {
    const CnnLayer& next = geometry_.layers[l + 1];
    active.phase_end.assign(size_t{next.conv.stride} * next.conv.stride + 1, 0);
    const auto phase = [&](uint32_t window) {
      return next.phase_of(window / layer.w.pooled, window % layer.w.pooled);
    };
    for (const uint32_t window : active.windows) {
      ++active.phase_end[phase(window) + 1];
    }
    for (size_t p = 1; p < active.phase_end.size(); ++p) {
      active.phase_end[p] += active.phase_end[p - 1];
    }
    to_.assign(active.windows.begin(), active.windows.end());
    for (const uint32_t window : to_) {
      active.windows[active.phase_end[phase(window)]++] = window;
    }
    active.phase_end.pop_back();
  }
  for (size_t i = 0; i < count; ++i) {
    slot[active.windows[i]] = static_cast<int32_t>(i);
    active.window_class[i] = layer.window_class(active.windows[i]);
  }
}

void CnnSampleRunner::first_layer(std::span<const SparseValue> pixels, float scale,
                                  const float* parameters, CnnSample& sample) {
  const CnnLayer& layer = geometry_.layers[0];
  CnnSample::Layer& active = sample.layers[0];
  Scratch& scratch = scratch_[0];
  active.windows.clear();
  sample.runs.clear();
  for (const SparseValue& pixel : pixels) {
    mark(0, pixel.index / layer.w.in, pixel.index % layer.w.in, sample);
  }
  number_windows(0, sample);
  for (const SparseValue& pixel : pixels) {
    add_pixel(pixel.index / layer.w.in, pixel.index % layer.w.in, pixel.value * scale, sample.runs);
  }
  const size_t window = layer.subs() * layer.filter_stride;
  scratch.map.assign(active.windows.size() * window, 0);
  kernels_.add_runs(scratch.map.data(), parameters + geometry_.layer_weights[0],
                    layer.filter_stride, sample.runs.data(), sample.runs.size());
  scratch.at.resize(active.windows.size());
  for (size_t i = 0; i < active.windows.size(); ++i) {
    scratch.at[i] = static_cast<uint32_t>(i * window);
  }
  pool(0, sample);
}

/// Which weights a pixel brings to which places of the windows.
void CnnSampleRunner::add_pixel(uint32_t y, uint32_t x, float value,
                                std::vector<ScaledRun>& runs) const {
  const CnnLayer& layer = geometry_.layers[0];
  const CnnConv& conv = layer.conv;
  const uint32_t taps_h = layer.h.taps[layer.h.phase[y]];
  const uint32_t taps_w = layer.w.taps[layer.w.phase[x]];
  for (uint32_t i = 0; i < taps_h; ++i) {
    const uint32_t row = layer.h.place[y] + i - layer.h.margin;  // wraps below 0
    if (row >= layer.h.used) {
      continue;
    }
    const uint32_t ky = layer.h.phase[y] + conv.stride * (taps_h - 1 - i);
    const int32_t* slots =
        scratch_[0].slot.data() + size_t{layer.h.window_of[row]} * layer.w.pooled;
    const size_t sub_row = size_t{layer.h.place_in_window[row]} * conv.pool;
    for (uint32_t j = 0; j < taps_w; ++j) {
      const uint32_t column = layer.w.place[x] + j - layer.w.margin;
      if (column >= layer.w.used) {
        continue;
      }
      const uint32_t kx = layer.w.phase[x] + conv.stride * (taps_w - 1 - j);
      const auto slot = static_cast<size_t>(slots[layer.w.window_of[column]]);
      const size_t place = slot * layer.subs() + sub_row + layer.w.place_in_window[column];
      runs.push_back({static_cast<uint32_t>(place * layer.filter_stride),
                      static_cast<uint32_t>((ky * conv.kernel + kx) * layer.filter_stride), value});
    }
  }
}

void CnnSampleRunner::inner_layer(size_t l, const AlignedVector<float>& weights,
                                  CnnSample& sample) {
  const CnnLayer& layer = geometry_.layers[l];
  const CnnSample::Layer& cells = sample.layers[l - 1];
  CnnSample::Layer& active = sample.layers[l];
  Scratch& scratch = scratch_[l];
  const uint32_t filters = layer.conv.filters;
  active.windows.clear();
  active.reach.clear();
  for (const uint32_t cell : cells.windows) {
    const uint32_t y = cell / layer.w.in;
    const uint32_t x = cell % layer.w.in;
    mark(l, y, x, sample);
    active.reach.push_back(
        {layer.h.place[y] * layer.w.places + layer.w.place[x], layer.w.place[x] * filters});
  }
  number_windows(l, sample);
  to_.resize(cells.windows.size());
  for (size_t i = 0; i < to_.size(); ++i) {
    to_[i] = active.reach[i].place * filters;
  }
  scratch.map.assign(size_t{layer.h.places} * layer.w.places * filters + kKernelPad, 0);
  uint32_t begin = 0;
  for (size_t phase = 0; phase < cells.phase_end.size(); ++phase) {
    CellBatch batch;
    batch.values = cells.values.data() + begin * layer.channel_stride;
    batch.to = to_.data() + begin;
    batch.cells = cells.phase_end[phase] - begin;
    batch.value_stride = layer.channel_stride;
    batch.channels = layer.channels;
    batch.weights = weights.data() + layer.phase_forward[phase];
    batch.rows = layer.h.taps[phase / layer.conv.stride];
    batch.columns = size_t{layer.w.taps[phase % layer.conv.stride]} * filters;
    batch.weight_stride = cnn_padded(batch.columns);
    batch.map = scratch.map.data();
    batch.map_stride = size_t{layer.w.places} * filters;
    kernels_.add_cells(batch);
    begin = cells.phase_end[phase];
  }
  scratch.at.clear();
  for (const uint32_t window : active.windows) {
    const uint32_t y = window / layer.w.pooled * layer.conv.pool + layer.h.margin;
    const uint32_t x = window % layer.w.pooled * layer.conv.pool + layer.w.margin;
    scratch.at.push_back((y * layer.w.places + x) * filters);
  }
  pool(l, sample);
}

void CnnSampleRunner::pool(size_t l, CnnSample& sample) {
  const CnnLayer& layer = geometry_.layers[l];
  CnnSample::Layer& active = sample.layers[l];
  Scratch& scratch = scratch_[l];
  active.values.resize(active.windows.size() * layer.filter_stride);
  active.winner.resize(active.values.size());
  CnnPool task;
  task.map = scratch.map.data();
  task.at = scratch.at.data();
  task.window_class = active.window_class.data();
  task.windows = active.windows.size();
  task.place = scratch.place.data();
  task.subs = layer.subs();
  task.background = background_.sums(l);
  task.background_at = background_.sums_at(l);
  task.base = l + 1 < geometry_.layers.size() ? background_.pooled(l) : nullptr;
  task.filters = layer.conv.filters;
  task.filter_stride = layer.filter_stride;
  task.out = active.values.data();
  task.winner = active.winner.data();
  cnn_kernels_.pool(task);
  for (const uint32_t window : active.windows) {
    scratch.slot[window] = kIdle;
  }
}

void forward_copy(const CnnLayer& layer, const float* weights, AlignedVector<float>& to) {
  to.assign(layer.forward_size, 0);
  const uint32_t filters = layer.conv.filters;
  for (size_t phase = 0; phase < layer.phase_row.size(); ++phase) {
    const uint32_t taps_h = layer.h.taps[phase / layer.conv.stride];
    const size_t columns = size_t{layer.w.taps[phase % layer.conv.stride]} * filters;
    const float* from = weights + layer.phase_row[phase] * layer.channel_stride;
    float* out = to.data() + layer.phase_forward[phase];
    for (uint32_t tap = 0; tap < taps_h; ++tap) {
      for (size_t column = 0; column < columns; ++column) {
        for (uint32_t c = 0; c < layer.channels; ++c) {
          out[(tap * layer.channels + c) * cnn_padded(columns) + column] =
              from[(tap * columns + column) * layer.channel_stride + c];
        }
      }
    }
  }
}

}  // namespace flowmark
