// Decision forests: many trees are walked at once, so that the processor works on some while others
// wait for memory.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "model/engine/dense_stack.h"
#include "model/engine/forest/engine.h"
#include "model/engine/forest/shares.h"

// The lanes' pointers have to stay in registers.
#ifdef __clang__
#define FLOWMARK_UNROLL_LANES _Pragma("clang loop unroll(full)")
#else
#define FLOWMARK_UNROLL_LANES _Pragma("GCC unroll 16")
#endif

namespace flowmark {
namespace {

constexpr size_t kLanes = 8;  // trees walked at once: as many pointers fit in registers
constexpr uint32_t kUnitsPerStep = 4;
constexpr size_t kScatterChunk = 256;

/// A node in 8 bytes. `link` holds the feature in its low bits and above them how many nodes
/// further on (or back) the `yes` child is; `no` follows it. A leaf is its own `yes` child and its
/// threshold is a NaN, than which nothing is larger, with the row of its scores as payload.
struct Node {
  float threshold;
  int32_t link;
};
static_assert(sizeof(Node) == 8);

constexpr uint32_t kPayloadBits = 22;
constexpr uint32_t kNanBits = 0x7fc00000;

struct Tree {
  size_t first = 0;  ///< node
  uint32_t depth = 0;
};

struct ForestScratch final : EngineScratch {
  std::span<const SparseValue> window;
  AlignedVector<float> inputs;      ///< dense; all 0 between inferences
  std::vector<uint32_t> scattered;  ///< places that are not 0
  AlignedVector<uint32_t> rows;     ///< leaf reached, per tree
  AlignedVector<float> scores;
  std::vector<float> probabilities;
  size_t scatter_count = 0;
  size_t next_tree = 0;
};

/// Lays the trees of a plan out one after the other, each breadth first: the upper levels, which
/// every window visits, share cache lines. A node with two parents is written twice, but both lead
/// to the same children. Leaves of the same scores share a row, whatever their trees: of trees
/// grown far, most leaves hold windows of one class.
class Layout {
 public:
  Layout(const ForestPlan& plan, uint32_t feature_bits)
      : plan_(plan),
        feature_bits_(feature_bits),
        children_(plan.nodes.size(), kNone),
        height_(plan.nodes.size(), kNone) {
    share_leaves();
  }

  Tree add(uint32_t root);

  AlignedVector<Node> nodes;
  AlignedVector<float> leaves;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  void share_leaves();
  Node leaf(uint32_t row) const;
  uint32_t height(uint32_t root);

  const ForestPlan& plan_;
  uint32_t feature_bits_;
  std::vector<uint32_t> children_;  ///< place in its tree, by node of the plan
  std::vector<uint32_t> height_;    ///< longest way to a leaf
  std::vector<uint32_t> shared_;    ///< row in `leaves`, by row of the plan
};

// Bit by bit the same, so that sums come out as they would without sharing.
void Layout::share_leaves() {
  const size_t width = plan_.scores, count = plan_.leaves.size() / width;
  const auto row = [&](uint32_t number) { return plan_.leaves.data() + number * width; };
  const auto difference = [&](uint32_t a, uint32_t b) {
    return std::memcmp(row(a), row(b), width * sizeof(float));
  };
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) { return difference(a, b) < 0; });
  shared_.resize(count);
  uint32_t rows = 0;
  for (size_t i = 0; i < count; ++i) {
    if (i == 0 || difference(order[i - 1], order[i]) != 0) {
      leaves.insert(leaves.end(), row(order[i]), row(order[i]) + width);
      ++rows;
    }
    shared_[order[i]] = rows - 1;
  }
  if (rows >> kPayloadBits != 0) fail("trees of more than {} leaves", 1u << kPayloadBits);
}

Node Layout::leaf(uint32_t row) const {
  return {std::bit_cast<float>(kNanBits | shared_[row]), 0};
}

uint32_t Layout::height(uint32_t root) {
  std::vector<uint32_t> open{root};
  while (!open.empty()) {
    const uint32_t at = open.back();
    const ForestPlan::Node& node = plan_.nodes[at];
    if (node.feature == ForestPlan::kLeaf) {
      height_[at] = 0;
    } else if (height_[node.yes] == kNone || height_[node.no] == kNone) {
      if (height_[node.yes] == kNone) open.push_back(node.yes);
      if (height_[node.no] == kNone) open.push_back(node.no);
      continue;
    } else {
      height_[at] = 1 + std::max(height_[node.yes], height_[node.no]);
    }
    open.pop_back();
  }
  return height_[root];
}

Tree Layout::add(uint32_t root) {
  Tree tree;
  tree.first = nodes.size();
  tree.depth = height(root);
  std::vector<uint32_t> order{root};
  for (size_t place = 0; place < order.size(); ++place) {
    const uint32_t from = order[place];
    const ForestPlan::Node& node = plan_.nodes[from];
    if (node.feature == ForestPlan::kLeaf) {
      nodes.push_back(leaf(node.yes));
      continue;
    }
    if (children_[from] == kNone) {
      children_[from] = static_cast<uint32_t>(order.size());
      order.push_back(node.yes);
      order.push_back(node.no);
    }
    if (order.size() >> (31 - feature_bits_) != 0) {
      fail("a tree of {} nodes is too large for {} features", order.size(), plan_.inputs);
    }
    const int64_t step = int64_t{children_[from]} - static_cast<int64_t>(place);
    nodes.push_back({node.threshold, static_cast<int32_t>(step * (1 << feature_bits_) +
                                                          static_cast<int64_t>(node.feature))});
  }
  return tree;
}

class ForestEngine final : public Engine {
 public:
  ForestEngine(const ForestPlan& plan, const Kernels& kernels, LoadBudget& budget);

  std::unique_ptr<EngineScratch> make_scratch() const override;
  void begin(EngineScratch& scratch, std::span<const SparseValue> window) const noexcept override;
  bool step(EngineScratch& scratch, uint32_t work) const noexcept override;
  std::span<const float> probabilities(const EngineScratch& scratch) const noexcept override {
    return std::span(static_cast<const ForestScratch&>(scratch).probabilities).first(classes_);
  }
  uint32_t input_length() const noexcept override { return inputs_; }
  uint32_t class_count() const noexcept override { return classes_; }
  const char* kind() const noexcept override { return "forest"; }
  bool has_disagreement() const noexcept override { return row_width_ > scores_; }
  float disagreement(const EngineScratch& scratch) const noexcept override;

 private:
  uint32_t walk(ForestScratch& own) const noexcept;
  void finish(ForestScratch& own) const noexcept;

  const Kernels& kernels_;
  uint32_t inputs_;
  uint32_t scores_;
  uint32_t row_width_;  ///< scores of a leaf, and its entropy where leaves hold shares
  uint32_t classes_;
  uint32_t feature_bits_;
  OutputRule rule_;
  std::vector<Tree> trees_;  ///< by depth, filled up to whole groups of lanes
  size_t tree_count_;
  AlignedVector<Node> nodes_;
  AlignedVector<float> leaves_;
  AlignedVector<float> base_;
  AlignedVector<float> ones_;
};

/// Of the layout, whose leaves grow by doubling, and of the walk through the trees for it.
void reserve_layout(const ForestPlan& plan, LoadBudget& budget) {
  constexpr const char* kPlace = "the decision trees";
  constexpr double kNodeBytes = 40, kNodeWork = 60, kGrowth = 4, kEntropyWork = 20;
  // To sort the leaves: two numbers each, some twenty comparisons.
  constexpr double kRowBytes = 8, kRowWork = 200;
  const auto nodes = static_cast<double>(plan.nodes.size());
  const auto scores = static_cast<double>(plan.leaves.size());
  const double rows = scores / plan.scores;
  budget.reserve(nodes * kNodeBytes + kGrowth * scores * sizeof(float) + rows * kRowBytes, kPlace);
  budget.reserve_scratch(2.0 * plan.inputs * sizeof(float), kPlace);
  budget.spend(nodes * kNodeWork + rows * kRowWork + scores * kEntropyWork, kPlace);
}

ForestEngine::ForestEngine(const ForestPlan& plan, const Kernels& kernels, LoadBudget& budget)
    : kernels_(kernels),
      inputs_(plan.inputs),
      scores_(plan.scores),
      row_width_(plan.scores),
      classes_(plan.output.pair == OutputRule::Pair::no ? plan.scores : 2),
      feature_bits_(static_cast<uint32_t>(
          std::max<int>(1, static_cast<int>(std::bit_width(plan.inputs - 1))))),
      rule_(plan.output),
      tree_count_(plan.roots.size()) {
  reserve_layout(plan, budget);
  Layout layout(plan, feature_bits_);
  for (const uint32_t root : plan.roots) trees_.push_back(layout.add(root));
  nodes_ = std::move(layout.nodes);
  leaves_ = std::move(layout.leaves);
  if (leaves_are_shares(plan)) {
    leaves_ = with_entropies(leaves_, scores_);
    row_width_ = scores_ + 1;
  }
  leaves_.resize(leaves_.size() + kKernelPad, 0.0F);
  // Lanes of a group take as many steps as its deepest tree: neighbours should be alike.
  std::stable_sort(trees_.begin(), trees_.end(),
                   [](const Tree& a, const Tree& b) { return a.depth < b.depth; });
  // The last group is filled up with trees whose result is not used.
  while (trees_.size() % kLanes != 0) trees_.push_back(trees_.front());
  base_.assign(plan.base.begin(), plan.base.end());
  base_.resize(row_width_ + kKernelPad, 0.0F);
  ones_.assign(trees_.size(), 1.0F);
}

std::unique_ptr<EngineScratch> ForestEngine::make_scratch() const {
  auto scratch = std::make_unique<ForestScratch>();
  scratch->inputs.assign(inputs_, 0.0F);
  scratch->scattered.assign(inputs_, 0);
  scratch->rows.assign(trees_.size(), 0);
  scratch->scores.assign(base_.size() + kKernelPad, 0.0F);
  scratch->probabilities.assign(std::max(scores_, classes_), 0.0F);
  return scratch;
}

void ForestEngine::begin(EngineScratch& scratch,
                         std::span<const SparseValue> window) const noexcept {
  auto& own = static_cast<ForestScratch&>(scratch);
  for (size_t i = 0; i < own.scatter_count; ++i) own.inputs[own.scattered[i]] = 0;
  own.window = window;
  own.scatter_count = 0;
  own.next_tree = 0;
}

/// One group of trees. Returns the work done.
uint32_t ForestEngine::walk(ForestScratch& own) const noexcept {
  const Tree* trees = trees_.data() + own.next_tree;
  const float* inputs = own.inputs.data();
  const int32_t mask = (1 << feature_bits_) - 1;
  const uint32_t shift = feature_bits_;
  std::array<const Node*, kLanes> at;
  // The last is the deepest, but for the repeated trees that fill the last group up.
  uint32_t depth = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    at[lane] = nodes_.data() + trees[lane].first;
    depth = std::max(depth, trees[lane].depth);
  }
  // Most ways are shorter than the deepest: stop when no lane moves any more.
  int32_t moved = 1;
  for (uint32_t step = 0; step < depth && moved != 0; ++step) {
    moved = 0;
    FLOWMARK_UNROLL_LANES
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const Node node = *at[lane];
      const int32_t ahead =
          (node.link >> shift) + static_cast<int32_t>(inputs[node.link & mask] > node.threshold);
      at[lane] += ahead;
      moved |= ahead;
    }
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const uint32_t bits = std::bit_cast<uint32_t>(at[lane]->threshold);
    own.rows[own.next_tree + lane] = bits & ((1u << kPayloadBits) - 1);
  }
  own.next_tree += kLanes;
  return static_cast<uint32_t>(kLanes) * (depth + 4) * kUnitsPerStep;
}

void ForestEngine::finish(ForestScratch& own) const noexcept {
  std::copy(base_.begin(), base_.end(), own.scores.begin());
  kernels_.add_rows(own.scores.data(), row_width_, leaves_.data(), row_width_, own.rows.data(),
                    ones_.data(), tree_count_);
  std::copy_n(own.scores.begin(), scores_, own.probabilities.begin());
  apply_output_rule(rule_, own.probabilities, classes_);
}

// The sums of the scores and of the trees' entropies are still there.
float ForestEngine::disagreement(const EngineScratch& scratch) const noexcept {
  if (!has_disagreement()) return 0;
  const auto& sums = static_cast<const ForestScratch&>(scratch).scores;
  const float mean_entropy = sums[scores_] / static_cast<float>(tree_count_);
  return std::max(0.0F, entropy_of_shares({sums.data(), scores_}) - mean_entropy);
}

bool ForestEngine::step(EngineScratch& scratch, uint32_t work) const noexcept {
  auto& own = static_cast<ForestScratch&>(scratch);
  int64_t left = work;
  while (left > 0) {
    if (own.scatter_count < own.window.size()) {
      const size_t end = std::min(own.window.size(), own.scatter_count + kScatterChunk);
      left -= static_cast<int64_t>(4 * (end - own.scatter_count));
      for (; own.scatter_count < end; ++own.scatter_count) {
        const SparseValue& value = own.window[own.scatter_count];
        own.inputs[value.index] = value.value;
        own.scattered[own.scatter_count] = value.index;
      }
    } else if (own.next_tree < trees_.size()) {
      left -= walk(own);
    } else {
      finish(own);
      return true;
    }
  }
  return false;
}

}  // namespace

std::unique_ptr<const Engine> make_forest_engine(const ModelPlan& plan, const Kernels& kernels,
                                                 Precision, LoadBudget& budget) {
  const auto* forest = std::get_if<ForestPlan>(&plan);
  if (forest == nullptr) return nullptr;
  return std::make_unique<ForestEngine>(*forest, kernels, budget);
}

}  // namespace flowmark
