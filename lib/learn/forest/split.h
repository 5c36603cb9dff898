#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learn/forest/targets.h"

namespace flowmark {

/// Where a node is split: values up to `threshold` go left.
struct NodeSplit {
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t feature = kNone;
  uint32_t low = 0;     ///< the last rank that goes left
  float threshold = 0;  ///< at least the value of `low`, less than the next of the node
  double gain = 0;      ///< decrease of the Gini impurity times the node's weight
};

/// A feature as a node's split finder needs it.
struct RankedFeature {
  uint32_t number = 0;
  std::span<const float> values;  ///< by rank
  uint32_t zero_rank = 0;
};

/// An example of a node that is not zero in a feature, packed so that items sort by rank.
/// payload: group << 16 | how often it was drawn.
constexpr uint64_t make_item(uint32_t rank, uint32_t payload) noexcept {
  return (uint64_t{rank} << 32) | payload;
}

/// Finds the best split of a node: the largest decrease in Gini impurity, exactly; of equal ones
/// the first. One per thread.
class SplitFinder {
 public:
  SplitFinder(const ForestTargets& targets, uint32_t min_leaf);

  /// Begins a node; `group_counts` must stay until the next one.
  void start(std::span<const uint32_t> group_counts);

  /// Tries all thresholds of a feature (half way between the node's neighbouring values). `items`
  /// are the node's examples that are not 0 in it; they are reordered. False if the feature is
  /// constant.
  bool try_feature(const RankedFeature& feature, std::span<uint64_t> items);
  /// Tries one threshold only, at `place` (0 to 1, 1 excluded) between the smallest and the largest
  /// value (Geurts et al. 2006).
  bool try_threshold(const RankedFeature& feature, std::span<const uint64_t> items, double place);

  const NodeSplit& best() const noexcept { return best_; }

 private:
  /// Sums over a candidate's left and right side.
  struct SingleLabel {
    std::vector<uint32_t> left;
    std::vector<uint32_t> right;
    const double* weight;
    double left_weight, right_weight, left_squares, right_squares;

    void move(uint32_t group, uint32_t count) noexcept;
    double score() const noexcept;
  };
  struct MultiLabel {
    std::vector<uint32_t> left;  ///< yes by output
    std::vector<uint32_t> node;
    uint32_t left_total, node_total;
    const ForestTargets* targets;

    void move(uint32_t group, uint32_t count) noexcept;
    double score() const noexcept;
  };

  void reset(SingleLabel& sides) const noexcept;
  void reset(MultiLabel& sides) const noexcept;
  template <typename Sides>
  bool scan(Sides& sides, const RankedFeature& feature, std::span<uint64_t> items);
  template <typename Sides>
  void judge(Sides& sides, const RankedFeature& feature, std::span<const uint64_t> items,
             uint32_t low, float threshold);
  template <typename Walk>
  void walk_sorted(std::span<uint64_t> items, uint32_t zero_rank, Walk& walk);
  template <typename Walk>
  void walk_counted(std::span<const uint64_t> items, uint32_t zero_rank, uint32_t distinct_values,
                    Walk& walk);
  /// Counts of the examples that are 0 into zeros_; their number.
  uint32_t count_zeros(std::span<const uint64_t> items);

  const ForestTargets& targets_;
  uint32_t min_leaf_;
  std::span<const uint32_t> node_counts_;
  uint32_t node_total_ = 0;
  double node_score_ = 0;
  std::vector<uint32_t> node_yes_;  ///< multi-label
  SingleLabel single_;
  MultiLabel multi_;
  std::vector<uint32_t> zeros_;
  std::vector<uint32_t> histogram_;  ///< [rank][group], all 0 between calls
  NodeSplit best_;
};

}  // namespace flowmark
