#include "model/engine/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace flowmark {
namespace {

using Values = std::vector<double>;

/// Both in the order [y][x][channel].
Values convolve(const ConvLayer& layer, const Values& input) {
  Values output;
  output.reserve(size_t{layer.out_h} * layer.out_w * layer.filters);
  for (int64_t y = 0; y < layer.out_h; ++y) {
    for (int64_t x = 0; x < layer.out_w; ++x) {
      for (size_t f = 0; f < layer.filters; ++f) {
        double sum = layer.bias[f];
        for (int64_t ky = 0; ky < layer.kernel_h; ++ky) {
          const int64_t iy = y * layer.stride_h - layer.pad_top + ky;
          if (iy < 0 || iy >= layer.in_h) continue;
          for (int64_t kx = 0; kx < layer.kernel_w; ++kx) {
            const int64_t ix = x * layer.stride_w - layer.pad_left + kx;
            if (ix < 0 || ix >= layer.in_w) continue;
            for (size_t c = 0; c < layer.in_channels; ++c) {
              const size_t tap =
                  ((f * layer.in_channels + c) * layer.kernel_h + static_cast<size_t>(ky)) *
                      layer.kernel_w +
                  static_cast<size_t>(kx);
              const size_t cell = static_cast<size_t>(iy * layer.in_w + ix);
              sum += double{layer.weights[tap]} * input[cell * layer.in_channels + c];
            }
          }
        }
        output.push_back(layer.relu ? std::max(sum, 0.0) : sum);
      }
    }
  }
  return output;
}

Values max_pool(const ConvLayer& layer, const Values& input) {
  const PoolShape& pool = layer.pool;
  Values output;
  for (int64_t y = 0; y < pool.out_h; ++y) {
    for (int64_t x = 0; x < pool.out_w; ++x) {
      for (size_t f = 0; f < layer.filters; ++f) {
        double most = -std::numeric_limits<double>::infinity();
        for (int64_t ky = 0; ky < pool.kernel_h; ++ky) {
          for (int64_t kx = 0; kx < pool.kernel_w; ++kx) {
            const int64_t iy = y * pool.stride_h - pool.pad_top + ky;
            const int64_t ix = x * pool.stride_w - pool.pad_left + kx;
            if (iy < 0 || iy >= layer.out_h || ix < 0 || ix >= layer.out_w) continue;
            most = std::max(most,
                            input[static_cast<size_t>(iy * layer.out_w + ix) * layer.filters + f]);
          }
        }
        output.push_back(most);
      }
    }
  }
  return output;
}

double activate(Activation activation, double value) {
  switch (activation) {
    case Activation::relu:
      return std::max(value, 0.0);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-value));
    case Activation::tanh:
      return std::tanh(value);
    case Activation::none:
      break;
  }
  return value;
}

Values apply_dense(const DenseLayer& layer, const Values& input) {
  Values output(layer.bias.begin(), layer.bias.end());
  for (size_t i = 0; i < layer.inputs; ++i) {
    for (size_t o = 0; o < layer.outputs; ++o) {
      output[o] += double{layer.weights[i * layer.outputs + o]} * input[i];
    }
  }
  for (double& value : output) value = activate(layer.activation, value);
  return output;
}

Values finish(const OutputRule& rule, Values scores) {
  const auto logistic = [](double value) { return 1 / (1 + std::exp(-value)); };
  const bool is_logistic = rule.transform == OutputRule::Transform::logistic;
  if (rule.pair == OutputRule::Pair::one_minus) {
    const double second = is_logistic ? logistic(scores[0]) : scores[0];
    scores = {1 - second, second};
  } else if (is_logistic) {
    for (double& score : scores) score = logistic(score);
  } else if (rule.transform == OutputRule::Transform::softmax) {
    const double most = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (double& score : scores) sum += score = std::exp(score - most);
    for (double& score : scores) score /= sum;
  }
  if (rule.normalize) {
    double sum = 0;
    for (const double score : scores) sum += std::abs(score);
    for (double& score : scores) score /= sum == 0 ? 1 : sum;
  }
  return scores;
}

Values forest_scores(const ForestPlan& plan, const Values& input) {
  Values scores(plan.base.begin(), plan.base.end());
  for (uint32_t at : plan.roots) {
    while (plan.nodes[at].feature != ForestPlan::kLeaf) {
      const ForestPlan::Node& node = plan.nodes[at];
      at = input[node.feature] <= double{node.threshold} ? node.yes : node.no;
    }
    for (size_t s = 0; s < plan.scores; ++s) {
      scores[s] += plan.leaves[size_t{plan.nodes[at].yes} * plan.scores + s];
    }
  }
  return scores;
}

}  // namespace

std::vector<double> reference_probabilities(const ModelPlan& plan,
                                            std::span<const SparseValue> window) {
  const auto* forest = std::get_if<ForestPlan>(&plan);
  Values values(forest != nullptr ? forest->inputs : std::get<NetworkPlan>(plan).inputs);
  for (const SparseValue& value : window) values[value.index] = value.value;
  if (forest != nullptr) return finish(forest->output, forest_scores(*forest, values));
  const auto& network = std::get<NetworkPlan>(plan);
  for (size_t i = 0; network.squares && i < network.inputs; ++i) {
    values.push_back(values[i] * values[i]);
  }
  for (const ConvLayer& layer : network.convs) values = max_pool(layer, convolve(layer, values));
  for (const DenseLayer& layer : network.dense) values = apply_dense(layer, values);
  return finish(network.output, values);
}

}  // namespace flowmark
