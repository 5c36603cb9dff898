#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/forest_targets.h"

namespace flowmark {

/// A feature's place between two neighbouring values (by rank) that a node's examples have.
struct Split {
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t feature = kNone;
  uint32_t low = 0;  ///< ranks up to this one go left
  uint32_t high = 0;
  double gain = 0;  ///< decrease of the Gini impurity times the node's weight
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

  /// Tries a feature, of which the node's examples have `items`; the others are 0, whose rank is
  /// `zero_rank`. Reorders the items. False if the feature is constant.
  bool try_feature(uint32_t feature, std::span<uint64_t> items, uint32_t zero_rank,
                   uint32_t distinct_values);

  const Split& best() const noexcept { return best_; }

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
  bool scan(Sides& sides, uint32_t feature, std::span<uint64_t> items, uint32_t zero_rank,
            uint32_t distinct_values);
  template <typename Walk>
  void walk_sorted(std::span<uint64_t> items, uint32_t zero_rank, Walk& walk);
  template <typename Walk>
  void walk_counted(std::span<const uint64_t> items, uint32_t zero_rank, uint32_t distinct_values,
                    Walk& walk);
  /// Counts of the examples that are zero into zeros_; their number.
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
  Split best_;
};

}  // namespace flowmark
