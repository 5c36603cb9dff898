// Linear models and perceptrons on sparse windows.
#include <algorithm>
#include <array>

#include "model/engine/dense/engine.h"
#include "model/engine/dense_stack.h"

namespace flowmark {
namespace {

struct DenseScratch final : EngineScratch {
  DenseStack::State dense;
  std::span<const SparseValue> window;
  size_t next = 0;
};

class DenseEngine final : public Engine {
 public:
  DenseEngine(const NetworkPlan& plan, const Kernels& kernels, LoadBudget& budget)
      : stack_(plan, {}, kernels, budget),
        inputs_(plan.inputs),
        squares_(plan.squares),
        kind_(plan.dense.size() > 1 ? "mlp" : (plan.squares ? "quadratic" : "linear")) {}

  std::unique_ptr<EngineScratch> make_scratch() const override {
    auto scratch = std::make_unique<DenseScratch>();
    scratch->dense = stack_.make_state();
    return scratch;
  }

  void begin(EngineScratch& scratch, std::span<const SparseValue> window) const noexcept override {
    auto& own = static_cast<DenseScratch&>(scratch);
    own.window = window;
    own.next = 0;
    stack_.start(own.dense);
  }

  bool step(EngineScratch& scratch, uint32_t work) const noexcept override {
    auto& own = static_cast<DenseScratch&>(scratch);
    int64_t left = work;
    while (left > 0 && own.next < own.window.size()) left -= add_batch(own);
    return own.next == own.window.size() && stack_.step(own.dense, left);
  }

  std::span<const float> probabilities(const EngineScratch& scratch) const noexcept override {
    const auto& own = static_cast<const DenseScratch&>(scratch);
    return std::span(own.dense.probabilities).first(stack_.classes());
  }

  uint32_t input_length() const noexcept override { return inputs_; }
  uint32_t class_count() const noexcept override { return stack_.classes(); }
  const char* kind() const noexcept override { return kind_; }

 private:
  static constexpr size_t kSplit = 128;

  uint32_t add_batch(DenseScratch& own) const noexcept {
    std::array<uint32_t, kSplit> indices;
    std::array<float, kSplit> values;
    const size_t most = squares_ ? kSplit / 2 : kSplit;
    const size_t count = std::min({most, stack_.batch(), own.window.size() - own.next});
    size_t filled = count;
    for (size_t i = 0; i < count; ++i) {
      indices[i] = own.window[own.next + i].index;
      values[i] = own.window[own.next + i].value;
    }
    for (size_t i = 0; squares_ && i < count; ++i) {
      indices[filled] = indices[i] + inputs_;
      values[filled++] = values[i] * values[i];
    }
    own.next += count;
    return stack_.add(own.dense, indices.data(), values.data(), filled);
  }

  DenseStack stack_;
  uint32_t inputs_;
  bool squares_;
  const char* kind_;
};

}  // namespace

std::unique_ptr<const Engine> make_dense_engine(const ModelPlan& plan, const Kernels& kernels,
                                                Precision, LoadBudget& budget) {
  const auto* network = std::get_if<NetworkPlan>(&plan);
  if (network == nullptr || !network->convs.empty()) return nullptr;
  return std::make_unique<DenseEngine>(*network, kernels, budget);
}

}  // namespace flowmark
