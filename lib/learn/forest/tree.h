#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learn/forest/blocks.h"
#include "learn/forest/ranks.h"
#include "learn/forest/split.h"
#include "learn/forest/trainer.h"

namespace flowmark {

/// One grown tree; node numbers and leaf rows count from 0 in it.
struct GrownTree {
  std::vector<Forest::Node> nodes;
  /// Impure leaves [leaf][class]. A leaf's row below the number of groups means a leaf of that
  /// group only; these follow.
  std::vector<float> leaves;
  std::vector<double> gains;     ///< by feature, summed over the splits
  std::vector<uint64_t> in_bag;  ///< a bit for each row that was drawn; empty without bootstrap
};

/// Random numbers of one tree (SplitMix64, Steele et al. 2014): the same on every machine.
class TreeRandom {
 public:
  TreeRandom(uint64_t seed, uint64_t tree) noexcept;
  uint64_t next() noexcept;
  /// Even over [0, bound).
  uint32_t below(uint32_t bound) noexcept;
  /// Even over [0, 1).
  double share() noexcept;

 private:
  uint64_t state_;
};

/// Grows trees, one after the other, with memory that is used again. One per thread.
///
/// A node's examples are a range of order_; a column is scanned for those of the node. As nodes get
/// small beside what is scanned, their examples' columns are copied into a block of their own
/// (ForestBlocks), in which all the nodes below them work.
class TreeBuilder {
 public:
  TreeBuilder(const RankMatrix& matrix, const ForestTargets& targets, const ForestOptions& options);

  /// `features_per_split` of the options must be set.
  GrownTree grow(uint32_t tree_number);

 private:
  /// A node with a split that has not been made yet.
  struct Pending {
    uint32_t node, begin, end, depth, block;
    NodeSplit split;
  };

  void draw_examples();
  void consider(Pending node);
  Pending take_next();
  void split(const Pending& parent);
  void make_leaf(uint32_t node);
  void count_groups(const Pending& node);
  bool is_leaf(const Pending& node) const noexcept;
  bool find_split(Pending& node);
  std::span<uint64_t> collect(uint32_t node, uint32_t block, uint32_t feature);

  const RankMatrix& matrix_;
  const ForestTargets& targets_;
  const ForestOptions& options_;
  SplitFinder finder_;
  TreeRandom random_;
  GrownTree tree_;
  ForestBlocks blocks_;
  std::vector<uint32_t> order_;     ///< numbers in the node's block, ascending in every node
  std::vector<uint32_t> right_;     ///< scratch of split()
  std::vector<uint32_t> features_;  ///< all of them, in the order last drawn
  std::vector<uint64_t> items_;
  std::vector<uint32_t> group_counts_;
  uint32_t node_total_ = 0;
  std::vector<Pending> pending_;  ///< a stack, or a heap by gain when the leaves are limited
};

}  // namespace flowmark
