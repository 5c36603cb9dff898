#include "base/error.h"
#include "model/write/model_writer.h"
#include "model/write/onnx_builder.h"

namespace flowmark {
namespace {

using namespace onnx_builder;

/// The parallel arrays of a TreeEnsembleClassifier.
struct TreeArrays {
  std::vector<int64_t> tree, id, feature, yes, no, class_tree, class_node, class_id;
  std::vector<float> value, class_weight;
  std::vector<std::string> mode;

  void add_node(int64_t at_tree, const ForestPlan::Node& node, int64_t yes_id);
  void add_scores(const ForestPlan& plan, uint32_t leaf);
};

void TreeArrays::add_node(int64_t at_tree, const ForestPlan::Node& node, int64_t yes_id) {
  const bool leaf = node.feature == ForestPlan::kLeaf;
  const auto at = tree.empty() || tree.back() != at_tree ? 0 : id.back() + 1;
  tree.push_back(at_tree);
  id.push_back(at);
  feature.push_back(leaf ? 0 : node.feature);
  value.push_back(leaf ? 0 : node.threshold);
  mode.emplace_back(leaf ? "LEAF" : "BRANCH_LEQ");
  yes.push_back(leaf ? 0 : yes_id);
  no.push_back(leaf ? 0 : yes_id + 1);
}

/// The scores of the node added last. Zeros are left out, but for those of the first leaf (a class
/// that never appears would look like a forest of fewer classes) and those of two classes: ONNX
/// Runtime takes a window whose leaves name the first class alone for one score that stands for
/// both.
void TreeArrays::add_scores(const ForestPlan& plan, uint32_t leaf) {
  const bool all = class_tree.empty() || plan.scores == 2;
  for (uint32_t s = 0; s < plan.scores; ++s) {
    // ONNX Runtime reads base_values of two classes in a way of its own: the first tree adds them.
    const float base = tree.back() == 0 && !plan.base.empty() ? plan.base[s] : 0.0F;
    const float weight = plan.leaves[size_t{leaf} * plan.scores + s] + base;
    if (weight == 0 && !all) continue;
    class_tree.push_back(tree.back());
    class_node.push_back(id.back());
    class_id.push_back(s);
    class_weight.push_back(weight);
  }
}

TreeArrays make_arrays(const std::filesystem::path& path, const ForestPlan& plan) {
  TreeArrays arrays;
  for (size_t t = 0; t < plan.roots.size(); ++t) {
    std::vector<uint32_t> order{plan.roots[t]};
    for (size_t place = 0; place < order.size(); ++place) {
      if (order[place] >= plan.nodes.size() || order.size() > plan.nodes.size()) {
        fail("{}: tree {} has children that do not exist or are shared", path.string(), t);
      }
      const ForestPlan::Node& node = plan.nodes[order[place]];
      arrays.add_node(static_cast<int64_t>(t), node, static_cast<int64_t>(order.size()));
      if (node.feature == ForestPlan::kLeaf) {
        if ((size_t{node.yes} + 1) * plan.scores > plan.leaves.size()) {
          fail("{}: tree {} has a leaf without scores", path.string(), t);
        }
        arrays.add_scores(plan, node.yes);
      } else {
        order.push_back(node.yes);
        order.push_back(node.no);
      }
    }
  }
  return arrays;
}

}  // namespace

void write_forest_model(const std::filesystem::path& path, const ModelDescription& description,
                        const ForestPlan& plan) {
  const size_t classes = description.classes.size();
  if (plan.output.transform == OutputRule::Transform::softmax && description.multilabel) {
    fail("{}: a multi-label forest with a softmax: its outputs are no shares of one",
         path.string());
  }
  if (plan.output.transform == OutputRule::Transform::logistic && !description.multilabel) {
    fail("{}: a forest of classes with a logistic function: its outputs would not sum to one",
         path.string());
  }
  if (plan.scores != classes || plan.roots.empty() ||
      (!plan.base.empty() && plan.base.size() != classes)) {
    fail("{}: {} trees of {} scores do not make a forest for {} classes", path.string(),
         plan.roots.size(), plan.scores, classes);
  }
  TreeArrays arrays = make_arrays(path, plan);
  OnnxNode node;
  node.op = "TreeEnsembleClassifier";
  node.name = "classifier";
  auto& to = node.attributes;
  to["nodes_treeids"] = integers(std::move(arrays.tree));
  to["nodes_nodeids"] = integers(std::move(arrays.id));
  to["nodes_featureids"] = integers(std::move(arrays.feature));
  to["nodes_values"] = numbers(std::move(arrays.value));
  to["nodes_modes"] = texts(std::move(arrays.mode));
  to["nodes_truenodeids"] = integers(std::move(arrays.yes));
  to["nodes_falsenodeids"] = integers(std::move(arrays.no));
  to["class_treeids"] = integers(std::move(arrays.class_tree));
  to["class_nodeids"] = integers(std::move(arrays.class_node));
  to["class_ids"] = integers(std::move(arrays.class_id));
  to["class_weights"] = numbers(std::move(arrays.class_weight));
  to["post_transform"] =
      text(plan.output.transform == OutputRule::Transform::softmax    ? "SOFTMAX"
           : plan.output.transform == OutputRule::Transform::logistic ? "LOGISTIC"
                                                                      : "NONE");
  OnnxModel model = empty_model(description);
  add_classifier(model, description, std::move(node));
  finish(path, description, model);
}

}  // namespace flowmark
