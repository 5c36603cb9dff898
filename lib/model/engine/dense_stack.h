#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernel/aligned_vector.h"
#include "kernel/kernels.h"
#include "model/compile/plan.h"
#include "model/engine/engine.h"
#include "model/onnx/load_budget.h"

namespace flowmark {

/// Scores to probabilities, in place: `scores` has room for `classes`.
void apply_output_rule(const OutputRule& rule, std::span<float> scores, uint32_t classes) noexcept;

float apply_activation(Activation activation, float value) noexcept;

/// The dense layers of a network with the output rule. The first layer starts from its answer to
/// the background and takes the inputs that differ, one small batch after the other; the following
/// ones skip inputs that are 0.
class DenseStack {
 public:
  /// Memory of one inference.
  struct State {
    AlignedVector<float> sums;
    AlignedVector<float> values;  ///< compressed inputs of a later layer
    AlignedVector<uint32_t> indices;
    std::vector<float> probabilities;
    size_t layer = 0;
    size_t count = 0;  ///< compressed inputs
    size_t next = 0;   ///< of them
  };

  /// `background`: the inputs of the first layer when nothing differs; empty if all are 0.
  /// Throws Error when the layers are too much for the budget.
  DenseStack(const NetworkPlan& plan, std::span<const float> background, const Kernels& kernels,
             LoadBudget& budget, Precision precision = Precision::exact);

  State make_state() const;
  void start(State& state) const noexcept;
  /// Adds deviations of inputs from the background. Returns the work done, in units.
  uint32_t add(State& state, const uint32_t* indices, const float* deviations,
               size_t count) const noexcept;
  /// After the last add: works through the rest. True when state.probabilities is ready.
  bool step(State& state, int64_t& work) const noexcept;

  /// Inputs that one add of about a third of a microsecond takes.
  size_t batch() const noexcept { return batch_; }
  uint32_t classes() const noexcept { return classes_; }

 private:
  struct Layer {
    uint32_t inputs = 0;
    uint32_t outputs = 0;
    size_t stride = 0;
    AlignedVector<float> weights;
    AlignedVector<uint16_t> bf16_weights;  ///< instead, in the order of add_rows_bf16
    AlignedVector<float> base;
    Activation activation = Activation::none;
  };
  static AlignedVector<uint16_t> as_bf16_rows(const Layer& layer);
  void finish_layer(State& state) const noexcept;

  std::vector<Layer> layers_;
  OutputRule rule_;
  uint32_t classes_ = 0;
  size_t batch_ = 0;
  const Kernels& kernels_;
};

}  // namespace flowmark
