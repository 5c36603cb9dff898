#include "learn/forest/tree.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace flowmark {
namespace {

constexpr uint32_t kNowhere = UINT32_MAX;  ///< node of an example that was not drawn

bool has_less_gain(const NodeSplit& a, const NodeSplit& b) noexcept {
  return a.gain < b.gain;
}

}  // namespace

TreeRandom::TreeRandom(uint64_t seed, uint64_t tree) noexcept : state_(seed) {
  state_ = next() + tree * 0xD1B54A32D192ED03ULL;
  state_ = next();
}

uint64_t TreeRandom::next() noexcept {
  uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

uint32_t TreeRandom::below(uint32_t bound) noexcept {
  // Lemire 2019: a product's upper half, refused where it would favour some numbers.
  uint64_t product = (next() >> 32) * bound;
  if (static_cast<uint32_t>(product) < bound) {
    const uint32_t unfair = -bound % bound;
    while (static_cast<uint32_t>(product) < unfair) {
      product = (next() >> 32) * bound;
    }
  }
  return static_cast<uint32_t>(product >> 32);
}

double TreeRandom::share() noexcept {
  return static_cast<double>(next() >> 11) * 0x1p-53;
}

TreeBuilder::TreeBuilder(const RankMatrix& matrix, const ForestTargets& targets,
                         const ForestOptions& options)
    : matrix_(matrix),
      targets_(targets),
      options_(options),
      finder_(targets, options.min_leaf),
      random_(0, 0),
      blocks_(matrix),
      features_(matrix.columns()),
      items_(matrix.rows()),
      group_counts_(targets.groups()) {}

GrownTree TreeBuilder::grow(uint32_t tree_number) {
  random_ = TreeRandom(options_.seed, tree_number);
  tree_ = {};
  tree_.nodes.resize(1);
  tree_.gains.assign(matrix_.columns(), 0);
  std::iota(features_.begin(), features_.end(), 0U);
  draw_examples();
  pending_.clear();
  uint32_t leaves = 1;
  consider({0, 0, static_cast<uint32_t>(order_.size()), 0, 0, {}});
  while (!pending_.empty()) {
    const Pending next = take_next();
    if (options_.max_leaves > 0 && leaves >= options_.max_leaves) {
      count_groups(next);
      make_leaf(next.node);
    } else {
      split(next);
      ++leaves;
    }
    blocks_.release(next.block);
  }
  return std::move(tree_);
}

/// A bootstrap sample: so many examples drawn with replacement as there are.
void TreeBuilder::draw_examples() {
  const uint32_t rows = matrix_.rows();
  std::vector<ForestBlocks::Slot>& slots = blocks_.slots(0);
  slots.assign(rows, ForestBlocks::Slot{kNowhere, 0});
  order_.clear();
  if (options_.bootstrap) {
    for (uint32_t i = 0; i < rows; ++i) {
      ++slots[random_.below(rows)].payload;
    }
    tree_.in_bag.assign((rows + 63) / 64, 0);
  }
  for (uint32_t i = 0; i < rows; ++i) {
    const uint32_t times = options_.bootstrap ? slots[i].payload : 1;
    if (times == 0) {
      continue;
    }
    slots[i] = {0, uint32_t{targets_.group[i]} << 16 | times};
    order_.push_back(i);
    if (options_.bootstrap) {
      tree_.in_bag[i / 64] |= uint64_t{1} << (i % 64);
    }
  }
}

/// Makes a node a leaf, or finds its split and lets it wait.
void TreeBuilder::consider(Pending node) {
  count_groups(node);
  if (is_leaf(node)) {
    make_leaf(node.node);
    return;
  }
  const uint32_t size = node.end - node.begin;
  if (blocks_.is_worth_making(node.block, size, options_.features_per_split)) {
    node.block = blocks_.make(node.block, std::span(order_).subspan(node.begin, size));
  }
  blocks_.use(node.block);
  if (!find_split(node)) {
    make_leaf(node.node);
    blocks_.release(node.block);
    return;
  }
  pending_.push_back(node);
  if (options_.max_leaves > 0) {
    std::push_heap(pending_.begin(), pending_.end(), [](const Pending& a, const Pending& b) {
      return has_less_gain(a.split, b.split);
    });
  }
}

TreeBuilder::Pending TreeBuilder::take_next() {
  if (options_.max_leaves > 0) {
    std::pop_heap(pending_.begin(), pending_.end(), [](const Pending& a, const Pending& b) {
      return has_less_gain(a.split, b.split);
    });
  }
  const Pending next = pending_.back();
  pending_.pop_back();
  return next;
}

void TreeBuilder::count_groups(const Pending& node) {
  std::fill(group_counts_.begin(), group_counts_.end(), 0);
  node_total_ = 0;
  const std::vector<ForestBlocks::Slot>& slots = blocks_.slots(node.block);
  for (uint32_t i = node.begin; i < node.end; ++i) {
    const uint32_t payload = slots[order_[i]].payload;
    group_counts_[payload >> 16] += payload & 0xffff;
    node_total_ += payload & 0xffff;
  }
}

bool TreeBuilder::is_leaf(const Pending& node) const noexcept {
  if ((options_.max_depth > 0 && node.depth >= options_.max_depth) ||
      node_total_ < options_.min_split || node_total_ < uint64_t{2} * options_.min_leaf) {
    return true;
  }
  const uint32_t group = blocks_.slots(node.block)[order_[node.begin]].payload >> 16;
  return group_counts_[group] == node_total_;
}

/// Of the examples counted last.
void TreeBuilder::make_leaf(uint32_t node) {
  const uint32_t groups = targets_.groups();
  const auto top = std::max_element(group_counts_.begin(), group_counts_.end());
  uint32_t leaf = static_cast<uint32_t>(top - group_counts_.begin());
  if (*top != node_total_) {
    const size_t start = tree_.leaves.size();
    leaf = groups + static_cast<uint32_t>(start / targets_.classes);
    tree_.leaves.resize(start + targets_.classes);
    targets_.leaf_values(group_counts_, std::span(tree_.leaves).subspan(start));
  }
  tree_.nodes[node].yes = leaf;
}

bool TreeBuilder::find_split(Pending& node) {
  finder_.start(group_counts_);
  const uint32_t count = matrix_.columns();
  bool found = false;  // a feature that is not constant
  for (uint32_t drawn = 0; drawn < count; ++drawn) {
    if (drawn >= options_.features_per_split && found) {
      break;
    }
    std::swap(features_[drawn], features_[drawn + random_.below(count - drawn)]);
    const uint32_t feature = features_[drawn];
    if (blocks_.column(node.block, feature).empty()) {
      continue;
    }
    const std::span<uint64_t> items = collect(node.node, node.block, feature);
    const RankedFeature ranked{feature, matrix_.values(feature), matrix_.zero_rank(feature)};
    found |= options_.random_thresholds ? finder_.try_threshold(ranked, items, random_.share())
                                        : finder_.try_feature(ranked, items);
  }
  node.split = finder_.best();
  return node.split.feature != NodeSplit::kNone;
}

/// A node's examples that are not zero in a feature.
std::span<uint64_t> TreeBuilder::collect(uint32_t node, uint32_t block, uint32_t feature) {
  const ForestBlocks::Slot* const slots = blocks_.slots(block).data();
  uint64_t* const items = items_.data();
  size_t count = 0;
  for (const RankMatrix::Entry& entry : blocks_.column(block, feature)) {
    const ForestBlocks::Slot slot = slots[entry.index];
    items[count] = make_item(entry.rank, slot.payload);
    count += slot.node == node ? 1 : 0;
  }
  return {items, count};
}

void TreeBuilder::split(const Pending& parent) {
  const NodeSplit& split = parent.split;
  const auto left = static_cast<uint32_t>(tree_.nodes.size());
  const uint32_t right = left + 1;
  tree_.nodes[parent.node] = {split.feature, split.threshold, left, right};
  tree_.nodes.resize(tree_.nodes.size() + 2);
  tree_.gains[split.feature] += split.gain;

  std::vector<ForestBlocks::Slot>& slots = blocks_.slots(parent.block);
  for (const RankMatrix::Entry& entry : blocks_.column(parent.block, split.feature)) {
    ForestBlocks::Slot& slot = slots[entry.index];
    if (slot.node == parent.node) {
      slot.node = entry.rank <= split.low ? left : right;
    }
  }
  const uint32_t zeros_go = matrix_.zero_rank(split.feature) <= split.low ? left : right;
  right_.clear();
  uint32_t middle_at = parent.begin;
  for (uint32_t i = parent.begin; i < parent.end; ++i) {
    const uint32_t example = order_[i];
    ForestBlocks::Slot& slot = slots[example];
    slot.node = slot.node == parent.node ? zeros_go : slot.node;
    if (slot.node == left) {
      order_[middle_at++] = example;
    } else {
      right_.push_back(example);
    }
  }
  std::copy(right_.begin(), right_.end(), order_.begin() + middle_at);
  const uint32_t depth = parent.depth + 1;
  consider({left, parent.begin, middle_at, depth, parent.block, {}});
  consider({right, middle_at, parent.end, depth, parent.block, {}});
}

}  // namespace flowmark
