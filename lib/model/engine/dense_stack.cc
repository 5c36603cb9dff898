#include "model/engine/dense_stack.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernel/bf16.h"

namespace flowmark {
namespace {

constexpr size_t kBatchUnits = 256;  // vector operations on weights that may come from memory
constexpr uint32_t kUnitsPerExp = 40;

/// Narrow rows share cache lines; wide ones start at their own.
size_t row_stride(size_t outputs) {
  if (outputs <= kKernelPad) return std::max<size_t>(4, std::bit_ceil(outputs));
  return (outputs + kKernelPad - 1) / kKernelPad * kKernelPad;
}

size_t padded_row(size_t count) {
  return (count + 2 * kBf16RowPad - 1) / kBf16RowPad * kBf16RowPad;
}

float logistic(float value) noexcept {
  return static_cast<float>(1.0 / (1.0 + std::exp(-double{value})));
}

void softmax(std::span<float> scores) noexcept {
  const float most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float score : scores) sum += std::exp(double{score} - most);
  for (float& score : scores) {
    score = static_cast<float>(std::exp(double{score} - most) / sum);
  }
}

}  // namespace

float apply_activation(Activation activation, float value) noexcept {
  switch (activation) {
    case Activation::relu:
      return std::max(value, 0.0F);
    case Activation::sigmoid:
      return logistic(value);
    case Activation::tanh:
      return std::tanh(value);
    case Activation::none:
      break;
  }
  return value;
}

void apply_output_rule(const OutputRule& rule, std::span<float> scores, uint32_t classes) noexcept {
  using Transform = OutputRule::Transform;
  const std::span<float> all = scores.first(classes);
  const float score = scores[0];
  const bool is_logistic = rule.transform == Transform::logistic;
  switch (rule.pair) {
    case OutputRule::Pair::no:
      if (rule.transform == Transform::softmax) softmax(all);
      if (is_logistic) {
        for (float& value : all) value = logistic(value);
      }
      break;
    case OutputRule::Pair::one_minus:
      scores[1] = is_logistic ? logistic(score) : score;
      scores[0] = is_logistic ? logistic(-score) : 1 - score;
      break;
  }
  if (!rule.normalize) return;
  float sum = 0;
  for (const float value : all) sum += std::abs(value);
  if (sum == 0) return;
  for (float& value : all) value /= sum;
}

AlignedVector<uint16_t> DenseStack::as_bf16_rows(const Layer& layer) {
  const size_t stride = (layer.outputs + kBf16RowPad - 1) / kBf16RowPad * kBf16RowPad;
  AlignedVector<uint16_t> rows(stride * layer.inputs, 0);
  for (size_t i = 0; i < layer.inputs; ++i) {
    for (size_t o = 0; o < layer.outputs; ++o) {
      rows[i * stride + bf16_row_place(o)] = to_bf16(layer.weights[i * layer.stride + o]);
    }
  }
  return rows;
}

DenseStack::DenseStack(const NetworkPlan& plan, std::span<const float> background,
                       const Kernels& kernels, LoadBudget& budget, Precision precision)
    : rule_(plan.output), kernels_(kernels) {
  for (const DenseLayer& from : plan.dense) {
    Layer to;
    to.inputs = from.inputs;
    to.outputs = from.outputs;
    to.activation = from.activation;
    to.stride = row_stride(from.outputs);
    const double weights = static_cast<double>(to.stride) * from.inputs;
    budget.reserve(weights * sizeof(float), "the dense layers");
    budget.spend(2 * weights, "the dense layers");
    to.weights.assign(to.stride * from.inputs + kKernelPad, 0.0F);
    for (size_t i = 0; i < from.inputs; ++i) {
      std::copy_n(from.weights.begin() + static_cast<ptrdiff_t>(i * from.outputs), from.outputs,
                  to.weights.begin() + static_cast<ptrdiff_t>(i * to.stride));
    }
    // Narrow rows share cache lines and would gain nothing.
    if (precision == Precision::bf16 && layers_.empty() && from.outputs > kKernelPad) {
      to.bf16_weights = as_bf16_rows(to);
      to.stride = to.bf16_weights.size() / to.inputs;
      to.weights = {};
    }
    std::vector<double> base(from.bias.begin(), from.bias.end());
    if (layers_.empty()) {
      for (size_t i = 0; i < background.size(); ++i) {
        if (background[i] == 0) continue;
        for (size_t o = 0; o < from.outputs; ++o) {
          base[o] += double{background[i]} * from.weights[i * from.outputs + o];
        }
      }
    }
    to.base.assign(padded_row(from.outputs), 0.0F);
    std::transform(base.begin(), base.end(), to.base.begin(),
                   [](double value) { return static_cast<float>(value); });
    layers_.push_back(std::move(to));
  }
  const uint32_t scores = layers_.back().outputs;
  classes_ = rule_.pair == OutputRule::Pair::no ? scores : 2;
  const size_t vectors = (layers_[0].outputs + kKernelPad - 1) / kKernelPad;
  batch_ = std::max<size_t>(1, kBatchUnits / vectors);
}

DenseStack::State DenseStack::make_state() const {
  State state;
  size_t most = 0;
  for (const Layer& layer : layers_) most = std::max<size_t>(most, layer.outputs);
  state.sums.assign(padded_row(most), 0.0F);
  state.values.assign(padded_row(most), 0.0F);
  state.indices.assign(padded_row(most), 0);
  state.probabilities.assign(std::max<size_t>(classes_, layers_.back().outputs), 0.0F);
  return state;
}

void DenseStack::start(State& state) const noexcept {
  std::copy(layers_[0].base.begin(), layers_[0].base.end(), state.sums.begin());
  state.layer = 0;
  state.count = 0;
  state.next = 0;
}

uint32_t DenseStack::add(State& state, const uint32_t* indices, const float* deviations,
                         size_t count) const noexcept {
  const Layer& layer = layers_[state.layer];
  if (layer.bf16_weights.empty()) {
    kernels_.add_rows(state.sums.data(), layer.outputs, layer.weights.data(), layer.stride, indices,
                      deviations, count);
  } else {
    kernels_.add_rows_bf16(state.sums.data(), layer.outputs, layer.bf16_weights.data(),
                           layer.stride, indices, deviations, count);
  }
  const size_t vectors = (layer.outputs + kKernelPad - 1) / kKernelPad;
  return static_cast<uint32_t>(count * (2 + 2 * vectors)) + 10;
}

/// Activation, and the inputs of the next layer gathered.
void DenseStack::finish_layer(State& state) const noexcept {
  const Layer& layer = layers_[state.layer];
  for (size_t o = 0; o < layer.outputs; ++o) {
    state.sums[o] = apply_activation(layer.activation, state.sums[o]);
  }
  ++state.layer;
  state.next = 0;
  state.count = kernels_.compress(state.sums.data(), layer.outputs, 0, state.indices.data(),
                                  state.values.data());
  const Layer& following = layers_[state.layer];
  std::copy(following.base.begin(), following.base.end(), state.sums.begin());
}

bool DenseStack::step(State& state, int64_t& work) const noexcept {
  while (work > 0) {
    if (state.next < state.count) {
      const size_t vectors = (layers_[state.layer].outputs + kKernelPad - 1) / kKernelPad;
      const size_t most = std::max<size_t>(1, kBatchUnits / vectors);
      const size_t count = std::min(most, state.count - state.next);
      work -=
          add(state, state.indices.data() + state.next, state.values.data() + state.next, count);
      state.next += count;
    } else if (state.layer + 1 < layers_.size()) {
      const Layer& layer = layers_[state.layer];
      work -= 10 + layer.outputs / 4 +
              (layer.activation > Activation::relu ? layer.outputs * kUnitsPerExp : 0);
      finish_layer(state);
    } else {
      std::copy_n(state.sums.begin(), layers_.back().outputs, state.probabilities.begin());
      apply_output_rule(rule_, state.probabilities, classes_);
      work -= 2 * kUnitsPerExp * classes_;
      return true;
    }
  }
  return false;
}

}  // namespace flowmark
