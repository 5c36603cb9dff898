#include "learn/forest/split.h"

#include <algorithm>
#include <bit>

namespace flowmark {
namespace {

constexpr uint32_t group_of(uint64_t item) noexcept {
  return static_cast<uint32_t>(item >> 16) & 0xffff;
}
constexpr uint32_t times(uint64_t item) noexcept {
  return static_cast<uint32_t>(item) & 0xffff;
}
constexpr uint32_t rank_of(uint64_t item) noexcept {
  return static_cast<uint32_t>(item >> 32);
}

void sort_items(std::span<uint64_t> items) noexcept {
  constexpr size_t kShort = 24;
  if (items.size() > kShort) {
    std::sort(items.begin(), items.end());
    return;
  }
  for (size_t i = 1; i < items.size(); ++i) {
    const uint64_t item = items[i];
    size_t at = i;
    for (; at > 0 && items[at - 1] > item; --at) {
      items[at] = items[at - 1];
    }
    items[at] = item;
  }
}

/// Half way, as far as floats go: at least `low`, less than `high`.
float threshold_between(float low, float high) noexcept {
  const auto middle = static_cast<float>(0.5 * (double{low} + double{high}));
  return middle < high ? middle : low;
}

/// Takes the examples of a node in the order of a feature's values and judges every gap.
template <typename Sides>
struct GapWalk {
  Sides& sides;
  NodeSplit& best;
  const RankedFeature& feature;
  uint32_t min_leaf;
  uint32_t total;
  double node_score;
  uint32_t moved = 0;
  uint32_t last_rank = NodeSplit::kNone;
  bool constant = true;

  /// All examples of a rank come next.
  void enter(uint32_t rank) noexcept {
    if (last_rank != NodeSplit::kNone) {
      constant = false;
      if (moved >= min_leaf && total - moved >= min_leaf) {
        const double gain = sides.score() - node_score;
        if (best.feature == NodeSplit::kNone || gain > best.gain) {
          best = {feature.number, last_rank,
                  threshold_between(feature.values[last_rank], feature.values[rank]), gain};
        }
      }
    }
    last_rank = rank;
  }
  void take(uint32_t group, uint32_t count) noexcept {
    sides.move(group, count);
    moved += count;
  }
};

double yes_no_score(double yes, double no) noexcept {
  return yes + no > 0 ? (yes * yes + no * no) / (yes + no) : 0;
}

}  // namespace

void SplitFinder::SingleLabel::move(uint32_t group, uint32_t count) noexcept {
  const double w = weight[group];
  const double c = count;
  const double before_left = left[group];
  const double before_right = right[group];
  left[group] += count;
  right[group] -= count;
  left_weight += w * c;
  right_weight -= w * c;
  left_squares += w * w * c * (2 * before_left + c);
  right_squares -= w * w * c * (2 * before_right - c);
}

double SplitFinder::SingleLabel::score() const noexcept {
  return left_squares / left_weight + right_squares / right_weight;
}

void SplitFinder::MultiLabel::move(uint32_t group, uint32_t count) noexcept {
  left_total += count;
  for (uint64_t set = targets->label_set[group]; set != 0; set &= set - 1) {
    left[static_cast<size_t>(std::countr_zero(set))] += count;
  }
}

double SplitFinder::MultiLabel::score() const noexcept {
  double sum = 0;
  for (size_t c = 0; c < left.size(); ++c) {
    const double yes = targets->yes_weight[c];
    const double no = targets->no_weight[c];
    const uint32_t right = node[c] - left[c];
    sum += yes_no_score(yes * left[c], no * (left_total - left[c]));
    sum += yes_no_score(yes * right, no * (node_total - left_total - right));
  }
  return sum / static_cast<double>(left.size());
}

SplitFinder::SplitFinder(const ForestTargets& targets, uint32_t min_leaf)
    : targets_(targets),
      min_leaf_(min_leaf),
      node_yes_(targets.multilabel ? targets.classes : 0),
      zeros_(targets.groups()) {
  single_.left.resize(targets.multilabel ? 0 : targets.classes);
  single_.right.resize(single_.left.size());
  single_.weight = targets.yes_weight.data();
  multi_.left.resize(node_yes_.size());
  multi_.node.resize(node_yes_.size());
  multi_.targets = &targets;
}

void SplitFinder::reset(SingleLabel& sides) const noexcept {
  sides.left_weight = sides.right_weight = sides.left_squares = sides.right_squares = 0;
  for (size_t g = 0; g < node_counts_.size(); ++g) {
    const double weight = sides.weight[g] * node_counts_[g];
    sides.left[g] = 0;
    sides.right[g] = node_counts_[g];
    sides.right_weight += weight;
    sides.right_squares += weight * weight;
  }
}

void SplitFinder::reset(MultiLabel& sides) const noexcept {
  std::fill(sides.left.begin(), sides.left.end(), 0);
  sides.node = node_yes_;
  sides.left_total = 0;
  sides.node_total = node_total_;
}

void SplitFinder::start(std::span<const uint32_t> group_counts) {
  node_counts_ = group_counts;
  node_total_ = 0;
  best_ = {};
  std::fill(node_yes_.begin(), node_yes_.end(), 0);
  for (uint32_t g = 0; g < group_counts.size(); ++g) {
    node_total_ += group_counts[g];
    if (targets_.multilabel && group_counts[g] > 0) {
      for (uint64_t set = targets_.label_set[g]; set != 0; set &= set - 1) {
        node_yes_[static_cast<size_t>(std::countr_zero(set))] += group_counts[g];
      }
    }
  }
  if (targets_.multilabel) {
    reset(multi_);
    node_score_ = multi_.score();
  } else {
    reset(single_);
    node_score_ = single_.right_squares / single_.right_weight;
  }
}

bool SplitFinder::try_feature(const RankedFeature& feature, std::span<uint64_t> items) {
  if (items.empty()) {
    return false;
  }
  return targets_.multilabel ? scan(multi_, feature, items) : scan(single_, feature, items);
}

template <typename Sides>
bool SplitFinder::scan(Sides& sides, const RankedFeature& feature, std::span<uint64_t> items) {
  reset(sides);
  GapWalk<Sides> walk{sides, best_, feature, min_leaf_, node_total_, node_score_};
  const auto distinct_values = static_cast<uint32_t>(feature.values.size());
  // Counting beats sorting when the table is small beside the items.
  if (uint64_t{distinct_values} * targets_.groups() <= 4 * items.size()) {
    walk_counted(items, feature.zero_rank, distinct_values, walk);
  } else {
    walk_sorted(items, feature.zero_rank, walk);
  }
  return !walk.constant;
}

bool SplitFinder::try_threshold(const RankedFeature& feature, std::span<const uint64_t> items,
                                double place) {
  uint32_t lowest = NodeSplit::kNone;
  uint32_t highest = 0;
  uint32_t others = 0;
  for (const uint64_t item : items) {
    lowest = std::min(lowest, rank_of(item));
    highest = std::max(highest, rank_of(item));
    others += times(item);
  }
  if (others < node_total_) {
    lowest = std::min(lowest, feature.zero_rank);
    highest = std::max(highest, feature.zero_rank);
  }
  if (lowest == highest) {
    return false;
  }
  const std::span<const float> values = feature.values;
  const double from = values[lowest];
  auto threshold = static_cast<float>(from + place * (double{values[highest]} - from));
  if (!(threshold < values[highest])) {
    threshold = values[lowest];
  }
  const auto next = std::upper_bound(values.begin() + lowest, values.begin() + highest, threshold);
  const auto low = static_cast<uint32_t>(next - values.begin()) - 1;
  if (targets_.multilabel) {
    judge(multi_, feature, items, low, threshold);
  } else {
    judge(single_, feature, items, low, threshold);
  }
  return true;
}

template <typename Sides>
void SplitFinder::judge(Sides& sides, const RankedFeature& feature, std::span<const uint64_t> items,
                        uint32_t low, float threshold) {
  // The sides are of equal standing: those are moved that do not go where 0 goes.
  const bool zero_is_left = feature.zero_rank <= low;
  reset(sides);
  uint32_t moved = 0;
  for (const uint64_t item : items) {
    if ((rank_of(item) <= low) != zero_is_left) {
      sides.move(group_of(item), times(item));
      moved += times(item);
    }
  }
  if (moved < min_leaf_ || node_total_ - moved < min_leaf_) {
    return;
  }
  const double gain = sides.score() - node_score_;
  if (best_.feature == NodeSplit::kNone || gain > best_.gain) {
    best_ = {feature.number, low, threshold, gain};
  }
}

uint32_t SplitFinder::count_zeros(std::span<const uint64_t> items) {
  std::copy(node_counts_.begin(), node_counts_.end(), zeros_.begin());
  uint32_t others = 0;
  for (const uint64_t item : items) {
    zeros_[group_of(item)] -= times(item);
    others += times(item);
  }
  return node_total_ - others;
}

template <typename Walk>
void SplitFinder::walk_sorted(std::span<uint64_t> items, uint32_t zero_rank, Walk& walk) {
  sort_items(items);
  const uint32_t zeros = count_zeros(items);
  bool zeros_due = zeros > 0;
  const auto take_zeros = [&] {
    walk.enter(zero_rank);
    for (uint32_t g = 0; g < zeros_.size(); ++g) {
      if (zeros_[g] > 0) {
        walk.take(g, zeros_[g]);
      }
    }
    zeros_due = false;
  };
  for (const uint64_t item : items) {
    if (zeros_due && rank_of(item) > zero_rank) {
      take_zeros();
    }
    if (rank_of(item) != walk.last_rank) {
      walk.enter(rank_of(item));
    }
    walk.take(group_of(item), times(item));
  }
  if (zeros_due) {
    take_zeros();
  }
}

template <typename Walk>
void SplitFinder::walk_counted(std::span<const uint64_t> items, uint32_t zero_rank,
                               uint32_t distinct_values, Walk& walk) {
  const size_t groups = targets_.groups();
  histogram_.resize(std::max(histogram_.size(), distinct_values * groups));
  for (const uint64_t item : items) {
    histogram_[rank_of(item) * groups + group_of(item)] += times(item);
  }
  uint32_t* const zeros = histogram_.data() + zero_rank * groups;
  std::copy(node_counts_.begin(), node_counts_.end(), zeros);
  for (uint32_t rank = 0; rank < distinct_values; ++rank) {
    for (size_t g = 0; g < groups && rank != zero_rank; ++g) {
      zeros[g] -= histogram_[rank * groups + g];
    }
  }
  for (uint32_t rank = 0; rank < distinct_values; ++rank) {
    uint32_t* const counts = histogram_.data() + rank * groups;
    bool entered = false;
    for (uint32_t g = 0; g < groups; ++g) {
      if (counts[g] > 0) {
        if (!entered) {
          walk.enter(rank);
          entered = true;
        }
        walk.take(g, counts[g]);
        counts[g] = 0;
      }
    }
  }
}

}  // namespace flowmark
