#include "learn/cnn/shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace flowmark {
namespace {

/// Uniform in +-bound: within it, reaching nearly to both ends, with its mean and variance.
void expect_uniform(const std::vector<float>& weights, double bound, const std::string& name) {
  SCOPED_TRACE(name);
  const auto count = static_cast<double>(weights.size());
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  EXPECT_GE(*low, -bound * 1.000001);
  EXPECT_LE(*high, bound * 1.000001);
  const double mean = std::accumulate(weights.begin(), weights.end(), 0.0) / count;
  double square = 0;
  for (const float weight : weights) square += static_cast<double>(weight) * weight;
  // Five standard errors of a uniform distribution's mean and variance.
  EXPECT_NEAR(mean, 0, 5 * bound / std::sqrt(3 * count));
  EXPECT_NEAR(square / count, bound * bound / 3, 5 * bound * bound * std::sqrt(4 / (45 * count)));
}

TEST(CnnInitialisation, GlorotIsWhatKerasBeginsWith) {
  const CnnShape shape = CnnShape::flowpic(1500, 1500, 5);
  const CnnParameters start = initial_parameters(shape, CnnInit::glorot, 1);
  // Fans of 10 x 10 kernels: 100 in and 1000 out, then 1000 in and 2000 out.
  expect_uniform(start.convs[0].weights, std::sqrt(6.0 / 1100), "first convolution");
  expect_uniform(start.convs[1].weights, std::sqrt(6.0 / 3000), "second convolution");
  expect_uniform(start.dense[0].weights, std::sqrt(6.0 / 4564), "dense layer");
  expect_uniform(start.dense[1].weights, std::sqrt(6.0 / 69), "output");
  for (const auto* layers : {&start.convs, &start.dense}) {
    for (const CnnParameters::Layer& layer : *layers) {
      EXPECT_EQ(layer.bias, std::vector<float>(layer.bias.size(), 0));
    }
  }
}

TEST(CnnInitialisation, HeHasNoBiasesAndPyTorchHas) {
  const CnnShape shape = CnnShape::flowpic(1500, 1500, 5);
  const CnnParameters he = initial_parameters(shape, CnnInit::he, 1);
  expect_uniform(he.convs[1].weights, std::sqrt(6.0 / 1000), "he");
  EXPECT_EQ(he.convs[1].bias, std::vector<float>(20, 0));
  const CnnParameters pytorch = initial_parameters(shape, CnnInit::pytorch, 1);
  expect_uniform(pytorch.convs[1].weights, 1 / std::sqrt(1000.0), "pytorch");
  expect_uniform(pytorch.dense[0].bias, 1 / std::sqrt(4500.0), "pytorch's biases");
}

}  // namespace
}  // namespace flowmark
