#include "learn/forest/trainer.h"

#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "learn/forest/out_of_bag.h"
#include "learn/forest/state.h"
#include "learn/forest/tree.h"

namespace flowmark {
namespace {

ForestOptions checked(ForestOptions options, uint32_t features, size_t classes) {
  if (options.trees == 0 || options.trees > 100'000) {
    fail("trees {}: must be 1..100000", options.trees);
  }
  if (options.features_per_split > features) {
    fail("features per split {}: the input has {} features", options.features_per_split, features);
  }
  if (options.features_per_split == 0) {
    options.features_per_split = std::max(1U, static_cast<uint32_t>(std::sqrt(features)));
  }
  if (options.max_leaves == 1) {
    fail("leaves 1: must be 2 or more, or 0 for no limit");
  }
  if (options.min_leaf == 0 || options.min_split < 2) {
    fail("examples in a leaf {}, in a node to split {}: must be at least 1 and 2", options.min_leaf,
         options.min_split);
  }
  if (!options.class_weights.empty() && options.balanced) {
    fail("class weights were given and are to be balanced: only one of the two is possible");
  }
  if (!options.class_weights.empty() && options.class_weights.size() != classes) {
    fail("{} class weights for {} classes", options.class_weights.size(), classes);
  }
  for (const double weight : options.class_weights) {
    if (!(weight > 0) || !std::isfinite(weight)) {
      fail("class weight {}: must be more than 0", weight);
    }
  }
  return options;
}

/// The state file of a forest being grown, if it is to have one.
class Keeper {
 public:
  Keeper(const ForestOptions& options, uint64_t digest) : options_(options), digest_(digest) {}

  void save(const GrownTrees& trees) {
    if (options_.state.empty()) return;
    write_forest_state(options_.state, digest_, trees);
    saved_ = Clock::now();
  }
  void save_at_times(const GrownTrees& trees) {
    if (std::chrono::duration<double>(Clock::now() - saved_).count() >= options_.save_every_s) {
      save(trees);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  const ForestOptions& options_;
  uint64_t digest_;
  Clock::time_point saved_ = Clock::now();
};

/// Grows the trees that are missing, until on_tree stops it.
void grow_trees(const RankMatrix& matrix, const ForestTargets& targets,
                const ForestOptions& options, Keeper& keeper, GrownTrees& grown) {
  tbb::enumerable_thread_specific<std::optional<TreeBuilder>> builders;
  std::atomic<bool> is_stopped = false;
  std::mutex telling;
  std::vector<uint32_t> missing;
  for (uint32_t t = 0; t < grown.size(); ++t) {
    if (!grown[t]) missing.push_back(t);
  }
  auto done = static_cast<uint32_t>(grown.size() - missing.size());
  const auto grow = [&](uint32_t number, TreeBuilder& builder) {
    GrownTree tree = builder.grow(number);
    const std::lock_guard lock(telling);
    grown[number] = std::move(tree);
    if (options.on_tree && !options.on_tree(++done)) {
      is_stopped = true;
    } else {
      keeper.save_at_times(grown);
    }
  };
  tbb::parallel_for(
      tbb::blocked_range<size_t>(0, missing.size(), 1),
      [&](const tbb::blocked_range<size_t>& range) {
        std::optional<TreeBuilder>& builder = builders.local();
        if (!builder) {
          builder.emplace(matrix, targets, options);
        }
        for (size_t i = range.begin(); i != range.end() && !is_stopped; ++i) {
          grow(missing[i], *builder);
        }
      },
      tbb::simple_partitioner());
  if (is_stopped) {
    keeper.save(grown);
  }
}

/// In the order of their numbers, whichever thread grew them.
std::vector<GrownTree> those_there(GrownTrees&& grown) {
  std::vector<GrownTree> trees;
  for (std::optional<GrownTree>& tree : grown) {
    if (tree) {
      trees.push_back(std::move(*tree));
    }
  }
  return trees;
}

Forest join(const std::vector<GrownTree>& trees, const ForestTargets& targets,
            uint32_t feature_count) {
  Forest forest;
  forest.feature_count = feature_count;
  forest.class_count = targets.classes;
  forest.multilabel = targets.multilabel;
  const uint32_t groups = targets.groups();
  forest.leaves.resize(size_t{groups} * targets.classes);
  std::vector<uint32_t> only(groups, 0);
  for (uint32_t g = 0; g < groups; ++g) {
    only[g] = 1;
    targets.leaf_values(only, std::span(forest.leaves).subspan(size_t{g} * targets.classes));
    only[g] = 0;
  }
  for (const GrownTree& tree : trees) {
    const auto root = static_cast<uint32_t>(forest.nodes.size());
    const auto leaf_rows = static_cast<uint32_t>(forest.leaves.size() / targets.classes) - groups;
    forest.roots.push_back(root);
    for (Forest::Node node : tree.nodes) {
      if (node.feature == Forest::kLeaf) {
        node.yes += node.yes < groups ? 0 : leaf_rows;
      } else {
        node.yes += root;
        node.no += root;
      }
      forest.nodes.push_back(node);
    }
    forest.leaves.insert(forest.leaves.end(), tree.leaves.begin(), tree.leaves.end());
  }
  return forest;
}

std::vector<double> mean_importances(const std::vector<GrownTree>& trees, uint32_t features) {
  std::vector<double> sum(features, 0);
  for (const GrownTree& tree : trees) {
    const double total = std::accumulate(tree.gains.begin(), tree.gains.end(), 0.0);
    for (uint32_t j = 0; j < features && total > 0; ++j) {
      sum[j] += tree.gains[j] / total;
    }
  }
  const double total = std::accumulate(sum.begin(), sum.end(), 0.0);
  for (double& share : sum) {
    share = total > 0 ? share / total : 0;
  }
  return sum;
}

TrainedForest train(const ExampleSet& examples, std::span<const uint32_t> rows,
                    const ForestTargets& targets, const ForestOptions& options) {
  TrainedForest result;
  const size_t most =
      tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
  const size_t threads = options.threads == 0 ? most : std::min<size_t>(options.threads, most);
  tbb::task_arena arena(static_cast<int>(threads));
  arena.execute([&] {
    GrownTrees grown(options.trees);
    const uint64_t digest =
        options.state.empty() ? 0 : forest_digest(examples, rows, targets, options);
    if (!options.state.empty()) {
      read_forest_state(options.state, digest, targets, examples.feature_count, grown);
    }
    const RankMatrix matrix(examples, rows);
    Keeper keeper(options, digest);
    grow_trees(matrix, targets, options, keeper, grown);
    const std::vector<GrownTree> trees = those_there(std::move(grown));
    result.forest = join(trees, targets, examples.feature_count);
    result.importances = mean_importances(trees, examples.feature_count);
    if (options.bootstrap && options.out_of_bag) {
      result.out_of_bag = judge_out_of_bag(result.forest, trees, matrix, targets);
    }
  });
  return result;
}

}  // namespace

uint32_t Forest::leaf(uint32_t tree, std::span<const float> dense) const noexcept {
  const Node* node = &nodes[roots[tree]];
  while (node->feature != kLeaf) {
    node = &nodes[dense[node->feature] <= node->threshold ? node->yes : node->no];
  }
  return node->yes;
}

void Forest::predict(std::span<const SparseValue> window, std::span<float> dense,
                     std::span<double> probabilities) const {
  for (const SparseValue& value : window) {
    dense[value.index] = value.value;
  }
  std::fill(probabilities.begin(), probabilities.end(), 0);
  for (uint32_t t = 0; t < roots.size(); ++t) {
    const float* const row = leaves.data() + size_t{leaf(t, dense)} * class_count;
    for (uint32_t c = 0; c < class_count; ++c) {
      probabilities[c] += row[c];
    }
  }
  for (double& probability : probabilities) {
    probability /= static_cast<double>(roots.size());
  }
  for (const SparseValue& value : window) {
    dense[value.index] = 0;
  }
}

ForestPlan Forest::plan() const {
  ForestPlan plan;
  plan.inputs = feature_count;
  plan.scores = class_count;
  plan.nodes = nodes;
  plan.roots = roots;
  for (const float share : leaves) {
    plan.leaves.push_back(share / static_cast<float>(roots.size()));
  }
  plan.base.assign(class_count, 0);
  plan.output.transform = OutputRule::Transform::none;
  return plan;
}

TrainedForest train_forest(const ExampleSet& examples, std::span<const uint32_t> rows,
                           const ForestOptions& options) {
  const ForestOptions good = checked(options, examples.feature_count, examples.classes.size());
  return train(examples, rows, ForestTargets::of_classes(examples, rows, good), good);
}

TrainedForest train_forest(const ExampleSet& examples, std::span<const uint32_t> rows,
                           std::span<const uint64_t> label_sets, const ForestOptions& options) {
  const ForestOptions good = checked(options, examples.feature_count, examples.classes.size());
  if (label_sets.size() != rows.size()) {
    fail("{} sets of labels for {} examples", label_sets.size(), rows.size());
  }
  return train(examples, rows, ForestTargets::of_label_sets(examples, label_sets, good), good);
}

}  // namespace flowmark
