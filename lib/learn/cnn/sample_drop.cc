// Dropout in front of the last pooling. A window that no pixel reaches has the background's values
// at every place, but other places of it are dropped in every sample.

#include <algorithm>

#include "learn/cnn/sample.h"

namespace flowmark {

/// Pools the last layer anew, from the values that stay. After pool(), whose map it reads.
void CnnSampleRunner::pool_dropped(const CnnDropDraw& drop, CnnSample& sample, float* flat) {
  const CnnLayer& layer = geometry_.layers.back();
  CnnSample::Layer& active = sample.layers.back();
  Scratch& scratch = scratch_.back();
  const uint32_t filters = layer.conv.filters;
  sample.idle_winner.assign(size_t{layer.windows()} * filters, -1);
  for (size_t i = 0; i < active.windows.size(); ++i) {
    const uint32_t window = active.windows[i];
    scratch.slot[window] = kMarked;
    pool_window(drop, window, scratch.map.data() + scratch.at[i], flat + size_t{window} * filters,
                active.winner.data() + i * layer.filter_stride);
  }
  for (uint32_t window = 0; window < layer.windows(); ++window) {
    if (scratch.slot[window] == kIdle) {
      const size_t at = size_t{window} * filters;
      pool_window(drop, window, nullptr, flat + at, sample.idle_winner.data() + at);
    }
    scratch.slot[window] = kIdle;
  }
}

/// `map`: what pixels added to the window's values; null: nothing. Writes a value and a winner for
/// each filter.
void CnnSampleRunner::pool_window(const CnnDropDraw& drop, uint32_t window, const float* map,
                                  float* flat, int32_t* winner) const {
  const size_t last = geometry_.layers.size() - 1;
  const CnnLayer& layer = geometry_.layers[last];
  const uint32_t filters = layer.conv.filters;
  const uint32_t* sums_at = background_.sums_at(last) + layer.window_class(window) * layer.subs();
  std::fill_n(flat, filters, 0.0F);
  std::fill_n(winner, filters, -1);
  for (uint32_t sub = 0; sub < layer.subs(); ++sub) {
    const float* background = background_.sums(last) + sums_at[sub];
    const float* added = map != nullptr ? map + scratch_[last].place[sub] : nullptr;
    const size_t first = (size_t{window} * layer.subs() + sub) * filters;
    for (uint32_t f = 0; f < filters; ++f) {
      const float value = background[f] + (added != nullptr ? added[f] : 0);
      if (value > flat[f] && !drop.lost(first + f)) {
        flat[f] = value;
        winner[f] = static_cast<int32_t>(sub);
      }
    }
  }
  for (uint32_t f = 0; f < filters; ++f) {
    flat[f] *= drop.scale();
  }
}

/// Adds the gradients of windows that no pixel reaches to those of the outputs that won them. Those
/// of the others are 0 in `flat`.
void CnnSampleRunner::gather_idle(const CnnSample& sample, const float* flat,
                                  CnnSampleGradient& gradient) const {
  const size_t last = geometry_.layers.size() - 1;
  const CnnLayer& layer = geometry_.layers[last];
  const uint32_t filters = layer.conv.filters;
  double* reached = gradient.classes.layers[last].reached.data();
  for (uint32_t window = 0; window < layer.windows(); ++window) {
    const uint32_t* sums_at = background_.sums_at(last) + layer.window_class(window) * layer.subs();
    const float* own = flat + size_t{window} * filters;
    const int32_t* winner = sample.idle_winner.data() + size_t{window} * filters;
    for (uint32_t f = 0; f < filters; ++f) {
      if (own[f] != 0) {
        reached[sums_at[winner[f]] + f] += static_cast<double>(own[f]);
      }
    }
  }
}

}  // namespace flowmark
