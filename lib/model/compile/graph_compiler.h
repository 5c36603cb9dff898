#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/compile/compile.h"
#include "model/compile/element_order.h"

namespace flowmark {

/// Walks the nodes that lead from the graph's input to its probabilities and turns them into a
/// plan. Internal to this folder; used once and thrown away.
class GraphCompiler {
 public:
  GraphCompiler(const OnnxModel& model, const GraphContract& contract, LoadBudget& budget);
  ModelPlan compile();

 private:
  static constexpr size_t kMaxLayers = 64;  ///< convolutions, and dense layers

  /// The one tensor that flows through the graph.
  struct Flow {
    std::string name;
    std::vector<int64_t> dims;
    ElementOrder place;  ///< tells what Transpose and Reshape did
  };
  /// Zero padding by a Pad node that the next Conv or MaxPool takes over.
  struct Padding {
    uint32_t top = 0, left = 0, bottom = 0, right = 0;
    bool any() const noexcept { return (top | left | bottom | right) != 0; }
  };
  struct Window {
    std::array<uint32_t, 2> kernel{}, stride{1, 1}, begin{}, end{}, out{};
  };

  // compile.cc: the walk
  std::string find_output() const;
  std::vector<bool> find_needed(const std::string& output) const;
  void start_flow();
  void visit(const OnnxNode& node);
  void require_flow(const OnnxNode& node) const;
  bool take_squares(const OnnxNode& node);
  void finish();
  void finish_network();

  // shape.cc: constants and nodes that only rearrange
  bool fold_constant(const OnnxNode& node);
  std::optional<OnnxTensor> fold_integers(const OnnxNode& node) const;
  std::optional<OnnxTensor> fold_concat(const OnnxNode& node) const;
  std::optional<OnnxTensor> fold_gather(const OnnxNode& node, const OnnxTensor& from) const;
  std::optional<OnnxTensor> fold_slice(const OnnxNode& node, const OnnxTensor& from) const;
  void reshape(const OnnxNode& node);
  std::vector<int64_t> reshaped(const OnnxNode& node, const std::vector<int64_t>& numbers) const;
  std::vector<int64_t> squeezed(const OnnxNode& node, const std::vector<int64_t>& axes) const;
  void set_dims(const OnnxNode& node, std::vector<int64_t> dims);
  void transpose(const OnnxNode& node);

  // convs.cc: convolutions and pooling
  void pad(const OnnxNode& node);
  void conv(const OnnxNode& node);
  void max_pool(const OnnxNode& node);
  Window read_window(const OnnxNode& node, std::array<uint32_t, 2> kernel, bool pool);
  void require_picture(const OnnxNode& node) const;

  // layers.cc: dense layers, activations and what is folded into layers
  void relu(const OnnxNode& node);
  void batch_normalization(const OnnxNode& node);
  void add(const OnnxNode& node);
  void gemm(const OnnxNode& node);
  void mat_mul(const OnnxNode& node);
  void activation(const OnnxNode& node, Activation kind);
  void softmax(const OnnxNode& node);
  void require_scores_open(const OnnxNode& node) const;
  void add_dense(const OnnxNode& node, const OnnxTensor& weights, bool transposed, float scale);
  void fold_scaler(const OnnxNode& node, DenseLayer& layer);

  // ml.cc: ai.onnx.ml
  void scaler(const OnnxNode& node);
  void normalizer(const OnnxNode& node);
  void linear_classifier(const OnnxNode& node);
  size_t label_count(const OnnxNode& node) const;
  OutputRule::Transform post_transform(const OnnxNode& node) const;

  // trees.cc
  struct TreeAttributes;
  void tree_ensemble(const OnnxNode& node);
  TreeAttributes tree_attributes(const OnnxNode& node) const;
  void add_tree_nodes(const OnnxNode& node, const TreeAttributes& trees);
  void add_leaf_scores(const OnnxNode& node, const TreeAttributes& trees, size_t labels);
  void check_trees(const OnnxNode& node, const TreeAttributes& trees);

  // attributes.cc
  const OnnxAttribute* find(const OnnxNode& node, const std::string& name,
                            OnnxAttribute::Type type) const;
  int64_t integer(const OnnxNode& node, const std::string& name, int64_t otherwise) const;
  float number(const OnnxNode& node, const std::string& name, float otherwise) const;
  std::string text(const OnnxNode& node, const std::string& name,
                   const std::string& otherwise) const;
  const std::vector<int64_t>& integers(const OnnxNode& node, const std::string& name) const;
  const std::vector<float>& numbers(const OnnxNode& node, const std::string& name) const;
  const OnnxTensor* constant(const OnnxNode& node, size_t input) const;
  const OnnxTensor& require_constant(const OnnxNode& node, size_t input, const char* what) const;
  const std::vector<float>& require_floats(const OnnxNode& node, size_t input,
                                           const char* what) const;

  // Asked before memory is taken and work done for a node.
  void reserve(const OnnxNode& node, double bytes) const { budget_.reserve(bytes, place_of(node)); }
  void spend(const OnnxNode& node, double work) const { budget_.spend(work, place_of(node)); }
  static std::string place_of(const OnnxNode& node);

  template <typename... Args>
  [[noreturn]] void refuse(const OnnxNode& node, fmt::format_string<Args...> format,
                           Args&&... args) const {
    fail("{}: {}", place_of(node), fmt::format(format, std::forward<Args>(args)...));
  }

  const OnnxModel& model_;
  const GraphContract& contract_;
  LoadBudget& budget_;
  std::map<std::string, const OnnxTensor*> constants_;
  std::vector<std::unique_ptr<OnnxTensor>> folded_;
  std::optional<Flow> flow_;
  std::map<std::string, std::vector<int64_t>> dims_of_;  ///< of every tensor on the way, for Shape
  Padding padding_;
  std::string squares_;  ///< the tensor of the input's squares, until it is joined to the input
  NetworkPlan network_;
  std::optional<ForestPlan> forest_;
  std::vector<float> scaler_offset_, scaler_scale_;
  bool transformed_ = false;  ///< scores have become probabilities
};

/// "[1, 2, N]".
std::string dims_text(const std::vector<int64_t>& dims);
uint64_t product(const std::vector<int64_t>& dims) noexcept;

/// Refuses NaN and infinities. `what` begins the message.
void require_finite(const std::vector<float>& values, const std::string& what);

}  // namespace flowmark
