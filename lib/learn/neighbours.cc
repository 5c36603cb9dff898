#include "learn/neighbours.h"

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr float kNoDistance = 1e-6F;  // of equal windows, so that their votes stay finite

}  // namespace

Neighbours::Neighbours(const ExampleSet& examples, std::span<const uint32_t> train,
                       const NeighbourOptions& options)
    : examples_(examples), options_(options), rows_(train.begin(), train.end()) {
  if (train.empty() || options.neighbours == 0) {
    fail("{} neighbours of {} windows: both must be 1 or more", options.neighbours, train.size());
  }
  std::sort(rows_.begin(), rows_.end());
  rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
  for (const uint32_t row : rows_) {
    for (const SparseValue& value : examples.row(row)) {
      values_.push_back({value.index, value_of(value)});
    }
    start_.push_back(values_.size());
  }
}

float Neighbours::value_of(const SparseValue& value) const noexcept {
  return options_.as_logarithms ? std::log1p(value.value) : value.value;
}

std::vector<float> Neighbours::probabilities(std::span<const uint32_t> rows) const {
  const size_t classes = examples_.classes.size();
  std::vector<float> out(rows.size() * classes, 0);
  tbb::enumerable_thread_specific<std::vector<float>> scratch(
      [&] { return std::vector<float>(examples_.feature_count, 0); });
  tbb::parallel_for(size_t{0}, rows.size(), [&](size_t i) {
    vote(examples_.row(rows[i]), scratch.local(), std::span(out).subspan(i * classes, classes));
  });
  return out;
}

void Neighbours::vote(std::span<const SparseValue> window, std::vector<float>& dense,
                      std::span<float> votes) const {
  float total = 0;
  for (const SparseValue& value : window) {
    dense[value.index] = value_of(value);
    total += std::fabs(dense[value.index]);
  }
  float all = 0;
  for (const Near& near : nearest(dense, total)) {
    const float weight = 1 / std::max(near.distance, kNoDistance);
    votes[examples_.info(rows_[near.place]).class_index] += weight;
    all += weight;
  }
  for (float& share : votes) share /= all;
  for (const SparseValue& value : window) dense[value.index] = 0;
}

std::vector<Neighbours::Near> Neighbours::nearest(std::span<const float> dense, float total) const {
  std::vector<Near> best;
  for (uint32_t place = 0; place < rows_.size(); ++place) {
    // Where the row is 0 the window's own values are the distance: all of them, but those met here.
    float distance = total;
    for (uint64_t i = start_[place]; i < start_[place + 1]; ++i) {
      const float own = dense[values_[i].index];
      distance += std::fabs(values_[i].value - own) - std::fabs(own);
    }
    if (best.size() == options_.neighbours && !(distance < best.back().distance)) continue;
    if (best.size() == options_.neighbours) best.pop_back();
    const auto at =
        std::upper_bound(best.begin(), best.end(), distance,
                         [](float mine, const Near& other) { return mine < other.distance; });
    best.insert(at, {distance, place});
  }
  return best;
}

}  // namespace flowmark
