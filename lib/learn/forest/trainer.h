#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "feature/sparse_window.h"
#include "model/compile/plan.h"

namespace flowmark {

/// How a forest is grown (Breiman 2001). The defaults are scikit-learn's RandomForestClassifier's.
struct ForestOptions {
  uint32_t trees = 100;
  /// Features drawn for every split, of all features of the input; drawing goes on until one of
  /// them is not constant in the node. 0: the square root of their number, rounded down.
  uint32_t features_per_split = 0;
  uint32_t max_depth = 0;  ///< splits on the way to a leaf; 0: no limit
  /// Of a tree, which is then grown by its best splits first; 0: no limit.
  uint32_t max_leaves = 0;
  uint32_t min_leaf = 1;   ///< examples in a leaf, as often as they were drawn
  uint32_t min_split = 2;  ///< examples in a node below which it becomes a leaf
  /// One threshold at random for every feature drawn instead of the best one: extremely randomised
  /// trees (Geurts et al. 2006), as a rule without bootstrap. Faster, and better where single bins
  /// say little.
  bool random_thresholds = false;
  bool bootstrap = true;   ///< every tree learns from as many examples as there are, drawn anew
  bool out_of_bag = true;  ///< with bootstrap: judge every example by the trees that did not see it
  /// Every class counts as much as any other; multi-label: of every output, yes as much as no.
  bool balanced = false;
  /// Weight of each class (multi-label: of an output's yes, its no being 1). Empty: 1. Not together
  /// with `balanced`.
  std::vector<double> class_weights;
  uint64_t seed = 1;
  uint32_t threads = 0;  ///< 0: as many as oneTBB gives. The forest does not depend on it
  /// Called after every tree, by one thread at a time; false stops: the trees so far are the
  /// forest.
  std::function<bool(uint32_t trees_done)> on_tree;
  /// If not empty: trees in this file are taken from there, of a training with the same examples
  /// and options (but for the number of trees), and all are written to it when on_tree stops, and
  /// every `save_every_s` seconds. Going on gives the same bits as not having stopped.
  std::filesystem::path state;
  double save_every_s = 60;
};

/// A forest as one array of nodes. A window's probabilities are the mean of its leaves, one a tree.
struct Forest {
  static constexpr uint32_t kLeaf = ForestPlan::kLeaf;
  using Node = ForestPlan::Node;

  uint32_t feature_count = 0;
  uint32_t class_count = 0;
  bool multilabel = false;
  std::vector<Node> nodes;
  std::vector<uint32_t> roots;  ///< one per tree
  /// [leaf][class] probabilities; equal leaves share a row. Single-label rows sum to 1.
  std::vector<float> leaves;

  /// The row in `leaves` that a tree answers for a window, given as all its feature_count values.
  uint32_t leaf(uint32_t tree, std::span<const float> dense) const noexcept;
  /// Mean over the trees into `probabilities` [class]. `dense` is scratch of feature_count zeros,
  /// and is left so.
  void predict(std::span<const SparseValue> window, std::span<float> dense,
               std::span<double> probabilities) const;
  /// As written to a model file (write_forest_model).
  ForestPlan plan() const;
};

/// The examples judged by the trees whose bootstrap left them out.
struct OutOfBag {
  uint32_t judged = 0;  ///< examples that at least one tree left out
  /// Share of those that are right: the largest probability is the class's; multi-label: every
  /// output is right (yes if above 1/2).
  double accuracy = 0;
  double hamming_loss = 0;  ///< multi-label: share of outputs that are wrong
  /// [example of the training rows][class]; NaN where no tree left the example out.
  std::vector<float> probabilities;
};

struct TrainedForest {
  Forest forest;
  OutOfBag out_of_bag;
  /// [feature] share of the forest's decrease in impurity; sums to 1 (or 0 if nothing was split).
  std::vector<double> importances;
};

/// Grows a forest for the classes of the examples. The same bits for the same seed on any number of
/// threads. Throws Error: a class without examples or one class only, naming it; options out of
/// range.
TrainedForest train_forest(const ExampleSet& examples, std::span<const uint32_t> rows,
                           const ForestOptions& options);

/// Multi-label: every class of the examples is an output of its own, yes for rows[i] if bit `class`
/// of label_sets[i] is set; impurity is the mean of the outputs' Gini impurities. At most 64
/// outputs and 65535 different sets. Throws Error also for an output that is always yes or always
/// no.
TrainedForest train_forest(const ExampleSet& examples, std::span<const uint32_t> rows,
                           std::span<const uint64_t> label_sets, const ForestOptions& options);

}  // namespace flowmark
