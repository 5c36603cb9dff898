#include <algorithm>

#include "learn/cnn/sample.h"

namespace flowmark {

void CnnSampleRunner::backward(const CnnSample& sample, const float* parameters, float* flat,
                               CnnSampleGradient& gradient) {
  gather(sample, flat, gradient);
  for (size_t l = geometry_.layers.size() - 1; l > 0; --l) {
    sort_entries(l, sample, gradient);
    inner_layer_back(l, sample, parameters, gradient);
  }
  first_layer_back(sample, gradient);
}

/// Parts the gradients of the last pooled values into those of active windows and the idle rest.
void CnnSampleRunner::gather(const CnnSample& sample, float* flat, CnnSampleGradient& gradient) {
  const CnnLayer& last = geometry_.layers.back();
  const CnnSample::Layer& active = sample.layers.back();
  AlignedVector<float>& own = scratch_.back().gradient;
  own.assign(active.windows.size() * last.filter_stride, 0);
  for (size_t i = 0; i < active.windows.size(); ++i) {
    float* from = flat + size_t{active.windows[i]} * last.conv.filters;
    std::copy_n(from, last.conv.filters, own.data() + i * last.filter_stride);
    std::fill_n(from, last.conv.filters, 0.0F);
  }
  if (!sample.idle_winner.empty()) {
    gather_idle(sample, flat, gradient);
    return;
  }
  cnn_kernels_.add(gradient.classes.idle.data(), flat, gradient.classes.idle.size());
}

/// Lists the gradients of a layer's sums, all at places that won their windows, by place.
void CnnSampleRunner::sort_entries(size_t l, const CnnSample& sample, CnnSampleGradient& gradient) {
  const CnnLayer& layer = geometry_.layers[l];
  const CnnSample::Layer& active = sample.layers[l];
  const uint32_t filters = layer.conv.filters;
  const uint32_t pool = layer.conv.pool;
  double* reached = gradient.classes.layers[l].reached.data();
  won_.clear();
  first_entry_.assign(size_t{layer.h.places} * layer.w.places + 2, 0);
  for (size_t i = 0; i < active.windows.size(); ++i) {
    const uint32_t y = active.windows[i] / layer.w.pooled * pool + layer.h.margin;
    const uint32_t x = active.windows[i] % layer.w.pooled * pool + layer.w.margin;
    const uint32_t* sums_at = background_.sums_at(l) + active.window_class[i] * layer.subs();
    const float* own = scratch_[l].gradient.data() + i * layer.filter_stride;
    const int32_t* winner = active.winner.data() + i * layer.filter_stride;
    for (uint32_t f = 0; f < filters; ++f) {
      if (own[f] == 0 || winner[f] < 0) {
        continue;
      }
      const auto sub = static_cast<uint32_t>(winner[f]);
      const uint32_t column = x + sub % pool;
      const uint32_t place = (y + sub / pool) * layer.w.places + column;
      won_.push_back({place, {column * filters + f, own[f]}});
      ++first_entry_[place + 2];
      reached[sums_at[sub] + f] += static_cast<double>(own[f]);
    }
  }
  for (size_t i = 2; i < first_entry_.size(); ++i) {
    first_entry_[i] += first_entry_[i - 1];
  }
  entries_.resize(won_.size());
  for (const Won& won : won_) {
    entries_[first_entry_[won.place + 1]++] = won.entry;
  }
}

void CnnSampleRunner::inner_layer_back(size_t l, const CnnSample& sample, const float* parameters,
                                       CnnSampleGradient& gradient) {
  const CnnLayer& layer = geometry_.layers[l];
  const CnnSample::Layer& cells = sample.layers[l - 1];
  const size_t stride = layer.channel_stride;
  AlignedVector<float>& before = scratch_[l - 1].gradient;
  before.resize(cells.windows.size() * stride);
  uint32_t begin = 0;
  for (size_t phase = 0; phase < cells.phase_end.size(); ++phase) {
    const size_t weights = geometry_.layer_weights[l] + layer.phase_row[phase] * stride;
    CnnCellBack task;
    task.values = cells.values.data() + begin * stride;
    task.reach = sample.layers[l].reach.data() + begin;
    task.cells = cells.phase_end[phase] - begin;
    task.stride = stride;
    task.entries = entries_.data();
    task.first = first_entry_.data();
    task.map_columns = layer.w.places;
    task.rows = layer.h.taps[phase / layer.conv.stride];
    task.columns = layer.w.taps[phase % layer.conv.stride];
    task.filters = layer.conv.filters;
    task.weights = parameters + weights;
    task.weight_gradient = gradient.weights.data() + weights;
    task.gradient = before.data() + begin * stride;
    cnn_kernels_.cell_back(task);
    begin = cells.phase_end[phase];
  }
  // One row of sums per class, so that few additions of a sample meet the long sum in double.
  std::vector<double>& taken = gradient.classes.layers[l - 1].taken;
  sum_.assign(taken.size(), 0);
  for (size_t i = 0; i < cells.windows.size(); ++i) {
    cnn_kernels_.add(sum_.data() + cells.window_class[i] * stride, before.data() + i * stride,
                     stride);
  }
  for (size_t i = 0; i < taken.size(); ++i) {
    taken[i] += static_cast<double>(sum_[i]);
  }
}

void CnnSampleRunner::first_layer_back(const CnnSample& sample, CnnSampleGradient& gradient) {
  const CnnLayer& layer = geometry_.layers[0];
  const CnnSample::Layer& active = sample.layers[0];
  Scratch& scratch = scratch_[0];
  scratch.map.resize(active.windows.size() * layer.subs() * layer.filter_stride);
  sum_.assign(layer.filter_stride, 0);
  CnnSpread task;
  task.gradient = scratch.gradient.data();
  task.winner = active.winner.data();
  task.windows = active.windows.size();
  task.subs = layer.subs();
  task.filter_stride = layer.filter_stride;
  task.map = scratch.map.data();
  task.sum = sum_.data();
  cnn_kernels_.spread(task);
  cnn_kernels_.take_runs(gradient.weights.data() + geometry_.layer_weights[0], scratch.map.data(),
                         layer.filter_stride, sample.runs.data(), sample.runs.size());
  for (size_t f = 0; f < layer.filter_stride; ++f) {
    gradient.classes.layers[0].reached[f] += static_cast<double>(sum_[f]);
  }
}

}  // namespace flowmark
