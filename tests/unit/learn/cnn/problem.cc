#include "unit/learn/cnn/problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace flowmark {

CnnBatch Problem::batch() const {
  CnnBatch out;
  out.windows.assign(pictures.begin(), pictures.end());
  out.labels = labels;
  return out;
}

void Problem::add(SparseWindow picture) {
  labels.push_back(static_cast<uint32_t>(pictures.size() % shape.classes));
  pictures.push_back(std::move(picture));
}

CnnShape shape_of(uint32_t height, uint32_t width, std::vector<CnnConv> convs,
                  std::vector<uint32_t> hidden) {
  CnnShape shape{height, width, std::move(convs), 0, CnnDropoutPlace::pooled, {}, 3};
  for (const uint32_t outputs : hidden) {
    shape.hidden.push_back({outputs, 0});
  }
  return shape;
}

CnnParameters lively(const CnnShape& shape, uint64_t seed) {
  CnnParameters out = initial_parameters(shape, CnnInit::he, seed);
  const KeyedRandom random = KeyedRandom(seed).sub(77);
  uint64_t index = 0;
  for (std::vector<CnnParameters::Layer>* layers : {&out.convs, &out.dense}) {
    for (CnnParameters::Layer& layer : *layers) {
      for (float& bias : layer.bias) {
        bias = static_cast<float>(random.uniform(index++) - 0.25);
      }
    }
  }
  return out;
}

namespace {

/// Empty, full, corners, and some of other densities.
void add_pictures(Problem& problem, uint64_t seed) {
  const CnnShape& shape = problem.shape;
  problem.add({});
  problem.add(random_picture(shape, 1, KeyedRandom(seed).sub(1)));
  const uint32_t last = shape.height * shape.width - 1;
  problem.add({{0, 2}, {shape.width - 1, 1}, {last + 1 - shape.width, 1}, {last, 3}});
  for (const double density : {0.005, 0.02, 0.1, 0.4}) {
    problem.add(random_picture(shape, density, KeyedRandom(seed).sub(problem.pictures.size())));
  }
}

}  // namespace

Problem problem_of(const CnnShape& shape, uint64_t seed) {
  Problem problem{shape, lively(shape, seed), {}, {}};
  add_pictures(problem, seed);
  return problem;
}

void expect_gradient(const CnnParameters& actual, CnnReference::Numbers expected,
                     double tolerance) {
  const CnnReference::Numbers found = to_numbers(actual);
  ASSERT_EQ(found.layers.size(), expected.layers.size());
  for (size_t l = 0; l < found.layers.size(); ++l) {
    for (const bool bias : {false, true}) {
      const std::vector<double>& a = bias ? found.layers[l].bias : found.layers[l].weights;
      const std::vector<double>& e = bias ? expected.layers[l].bias : expected.layers[l].weights;
      double largest = 1e-3;
      for (const double value : e) {
        largest = std::max(largest, std::abs(value));
      }
      ASSERT_EQ(a.size(), e.size());
      for (size_t i = 0; i < a.size(); ++i) {
        ASSERT_NEAR(a[i], e[i], tolerance * largest)
            << "layer " << l << (bias ? ", bias " : ", weight ") << i;
      }
    }
  }
}

}  // namespace flowmark
