// TreeEnsembleClassifier of ai.onnx.ml.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "model/compile/graph_compiler.h"

namespace flowmark {
namespace {

constexpr size_t kMaxNodes = size_t{1} << 26;
constexpr uint32_t kMaxTreeDepth = 1024;
// Of a node: the plan's (two where modes compare for equality), a parent's mark, a root's entry,
// the way to it; and sorting, four searches.
constexpr double kTreeNodeBytes = 150;
constexpr double kTreeNodeWork = 500;
constexpr double kLeafScoreWork = 150;  // of a leaf's score: a search

/// The next smaller float: x < v is x <= before(v).
float before(float value) noexcept {
  return std::nextafter(value, -std::numeric_limits<float>::infinity());
}

}  // namespace

struct GraphCompiler::TreeAttributes {
  const std::vector<int64_t>&tree, &id, &feature, &yes, &no;
  const std::vector<float>& value;
  const std::vector<std::string>& mode;
  /// Places of the nodes in the arrays, in the order of their trees and numbers there.
  std::vector<uint32_t> order{};

  std::pair<int64_t, int64_t> key(uint32_t at) const { return {tree[at], id[at]}; }
  uint32_t find(int64_t tree_id, int64_t node_id) const {
    const std::pair wanted{tree_id, node_id};
    const auto found =
        std::ranges::lower_bound(order, wanted, {}, [this](uint32_t at) { return key(at); });
    return found == order.end() || key(*found) != wanted ? UINT32_MAX : *found;
  }
};

GraphCompiler::TreeAttributes GraphCompiler::tree_attributes(const OnnxNode& node) const {
  for (const auto& [name, attribute] : node.attributes) {
    if (name.ends_with("_as_tensor")) {
      refuse(node, "its attribute '{}' is double precision; export it for float inputs", name);
    }
  }
  static const std::vector<std::string> no_modes;
  const auto* modes = find(node, "nodes_modes", OnnxAttribute::Type::texts);
  TreeAttributes trees{integers(node, "nodes_treeids"),
                       integers(node, "nodes_nodeids"),
                       integers(node, "nodes_featureids"),
                       integers(node, "nodes_truenodeids"),
                       integers(node, "nodes_falsenodeids"),
                       numbers(node, "nodes_values"),
                       modes != nullptr ? modes->strings : no_modes};
  const size_t count = trees.tree.size();
  if (count == 0) refuse(node, "it has no nodes");
  if (count > kMaxNodes) refuse(node, "it has {} nodes; at most {} are accepted", count, kMaxNodes);
  for (const size_t size : {trees.id.size(), trees.feature.size(), trees.yes.size(),
                            trees.no.size(), trees.value.size(), trees.mode.size()}) {
    if (size != count) {
      refuse(node, "its nodes_ attributes have different lengths ({} and {})", count, size);
    }
  }
  reserve(node, static_cast<double>(count) * kTreeNodeBytes);
  spend(node, static_cast<double>(count) * kTreeNodeWork);
  trees.order.resize(count);
  std::iota(trees.order.begin(), trees.order.end(), 0U);
  const auto key = [&trees](uint32_t at) { return trees.key(at); };
  std::ranges::sort(trees.order, {}, key);
  const auto twice = std::ranges::adjacent_find(trees.order, {}, key);
  if (twice != trees.order.end()) {
    refuse(node, "tree {} has the node {} twice", trees.tree[*twice], trees.id[*twice]);
  }
  return trees;
}

/// Every mode becomes "x <= threshold". Node i of the attributes is node i of the plan; the second
/// comparison that equality takes is appended.
void GraphCompiler::add_tree_nodes(const OnnxNode& node, const TreeAttributes& trees) {
  ForestPlan& forest = *forest_;
  const size_t count = trees.tree.size();
  forest.nodes.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    if (trees.mode[i] == "LEAF") continue;
    const uint32_t yes = trees.find(trees.tree[i], trees.yes[i]);
    const uint32_t no = trees.find(trees.tree[i], trees.no[i]);
    if (yes == UINT32_MAX || no == UINT32_MAX) {
      refuse(node, "node {} of tree {} has a child that does not exist", trees.id[i],
             trees.tree[i]);
    }
    if (trees.feature[i] < 0 || trees.feature[i] >= forest.inputs) {
      refuse(node, "node {} of tree {} reads feature {} of {}", trees.id[i], trees.tree[i],
             trees.feature[i], forest.inputs);
    }
    const float value = trees.value[i];
    if (!std::isfinite(value)) {
      refuse(node, "node {} of tree {} has the threshold {}", trees.id[i], trees.tree[i], value);
    }
    const uint32_t feature = flow_->place[static_cast<size_t>(trees.feature[i])];
    const std::string& mode = trees.mode[i];
    if (mode == "BRANCH_LEQ") {
      forest.nodes[i] = {feature, value, yes, no};
    } else if (mode == "BRANCH_LT") {
      forest.nodes[i] = {feature, before(value), yes, no};
    } else if (mode == "BRANCH_GT") {
      forest.nodes[i] = {feature, value, no, yes};
    } else if (mode == "BRANCH_GTE") {
      forest.nodes[i] = {feature, before(value), no, yes};
    } else if (mode == "BRANCH_EQ" || mode == "BRANCH_NEQ") {
      const uint32_t equal = mode == "BRANCH_EQ" ? yes : no;
      const uint32_t other = mode == "BRANCH_EQ" ? no : yes;
      const auto second = static_cast<uint32_t>(forest.nodes.size());
      forest.nodes[i] = {feature, value, second, other};
      forest.nodes.push_back({feature, before(value), other, equal});
    } else {
      refuse(node, "the mode '{}' is not known", mode);
    }
  }
}

/// Every node belongs to one tree and has one parent, but for the root.
void GraphCompiler::check_trees(const OnnxNode& node, const TreeAttributes& trees) {
  ForestPlan& forest = *forest_;
  const size_t count = trees.tree.size();
  std::vector<bool> has_parent(count, false);
  for (size_t i = 0; i < count; ++i) {
    if (trees.mode[i] == "LEAF") continue;
    for (const int64_t child : {trees.yes[i], trees.no[i]}) {
      const uint32_t at = trees.find(trees.tree[i], child);
      if (has_parent[at]) {
        refuse(node, "node {} of tree {} has two parents", child, trees.tree[i]);
      }
      has_parent[at] = true;
    }
  }
  std::map<int64_t, uint32_t> root_of;
  for (uint32_t i = 0; i < count; ++i) {
    if (has_parent[i]) continue;
    if (!root_of.emplace(trees.tree[i], i).second) {
      refuse(node, "tree {} has two roots", trees.tree[i]);
    }
    forest.roots.push_back(i);
  }
  // With one parent each, nodes that no root reaches form a ring.
  std::vector<std::pair<uint32_t, uint32_t>> open;
  size_t reached = 0;
  for (const uint32_t root : forest.roots) open.emplace_back(root, 0);
  while (!open.empty()) {
    const auto [at, depth] = open.back();
    open.pop_back();
    ++reached;
    if (depth > kMaxTreeDepth) refuse(node, "a tree is deeper than {}", kMaxTreeDepth);
    if (trees.mode[at] == "LEAF") continue;
    open.emplace_back(trees.find(trees.tree[at], trees.yes[at]), depth + 1);
    open.emplace_back(trees.find(trees.tree[at], trees.no[at]), depth + 1);
  }
  if (reached != count) refuse(node, "some of its nodes go round in a circle");
}

void GraphCompiler::add_leaf_scores(const OnnxNode& node, const TreeAttributes& trees,
                                    size_t labels) {
  ForestPlan& forest = *forest_;
  const auto &tree = integers(node, "class_treeids"), &id = integers(node, "class_nodeids"),
             &score = integers(node, "class_ids");
  const auto& weight = numbers(node, "class_weights");
  spend(node, static_cast<double>(tree.size()) * kLeafScoreWork);
  if (tree.empty() || tree.size() != id.size() || tree.size() != score.size() ||
      tree.size() != weight.size()) {
    refuse(node, "its class_ attributes have different lengths or are empty");
  }
  require_finite(weight, fmt::format("node '{}' ({}): class_weights", node.name, node.op));
  // ONNX Runtime's reading: with two labels and scores of class 0 only, a score stands for both
  // classes, and its sign or size speaks for the second one.
  const bool pair =
      labels == 2 && std::all_of(score.begin(), score.end(), [](int64_t s) { return s == 0; });
  forest.scores = pair ? 1 : static_cast<uint32_t>(labels);
  uint32_t rows = 0;
  for (size_t i = 0; i < trees.mode.size(); ++i) {
    if (trees.mode[i] == "LEAF") forest.nodes[i] = {ForestPlan::kLeaf, 0, rows++, 0};
  }
  reserve(node, static_cast<double>(rows) * forest.scores * sizeof(float));
  spend(node, static_cast<double>(rows) * forest.scores);
  forest.leaves.assign(size_t{rows} * forest.scores, 0.0F);
  bool positive = true;
  for (size_t i = 0; i < tree.size(); ++i) {
    const uint32_t at = trees.find(tree[i], id[i]);
    if (at == UINT32_MAX || trees.mode[at] != "LEAF") {
      refuse(node, "class_nodeids names node {} of tree {}, which is no leaf", id[i], tree[i]);
    }
    if (score[i] < 0 || score[i] >= static_cast<int64_t>(labels)) {
      refuse(node, "class_ids names class {} of {}", score[i], labels);
    }
    const size_t column = pair ? 0 : static_cast<size_t>(score[i]);
    forest.leaves[size_t{forest.nodes[at].yes} * forest.scores + column] += weight[i];
    positive = positive && weight[i] >= 0;
  }
  const bool logistic = forest.output.transform == OutputRule::Transform::logistic;
  const bool none = forest.output.transform == OutputRule::Transform::none;
  if (!positive && !logistic && (none || pair)) {
    refuse(node,
           "its leaves have negative scores, which its post_transform leaves no probabilities");
  }
  if (pair) {
    forest.output.pair = OutputRule::Pair::one_minus;
    // Scores that are never negative pass for probabilities even if the transform says SOFTMAX.
    if (!logistic) forest.output.transform = OutputRule::Transform::none;
  }
}

void GraphCompiler::tree_ensemble(const OnnxNode& node) {
  require_scores_open(node);
  if (!network_.convs.empty() || !network_.dense.empty() || !scaler_scale_.empty()) {
    refuse(node, "it is accepted at the graph's input only");
  }
  const TreeAttributes trees = tree_attributes(node);
  const size_t labels = label_count(node);
  if (labels == 0) refuse(node, "it has no class labels");
  ForestPlan& forest = forest_.emplace();
  forest.inputs = contract_.input_length;
  forest.output.transform = post_transform(node);
  add_tree_nodes(node, trees);
  check_trees(node, trees);
  add_leaf_scores(node, trees, labels);
  const std::vector<float> base = numbers(node, "base_values");
  require_finite(base, fmt::format("node '{}' ({}): base_values", node.name, node.op));
  if (!base.empty() && base.size() != forest.scores) {
    refuse(node, "it has {} base_values for {} scores", base.size(), forest.scores);
  }
  if (labels == 2 && base.size() == 2) {
    refuse(node, "two base_values with two classes have no agreed meaning; add them to the leaves");
  }
  forest.base = base.empty() ? std::vector<float>(forest.scores, 0.0F) : base;
  transformed_ = true;
  flow_->dims = {1, static_cast<int64_t>(labels)};
  flow_->place = ElementOrder(labels);
}

}  // namespace flowmark
