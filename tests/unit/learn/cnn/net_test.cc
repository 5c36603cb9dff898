#include "learn/cnn/net.h"

#include <gtest/gtest.h>

#include "unit/learn/cnn/problem.h"

namespace flowmark {
namespace {

struct Outcome {
  double loss = 0;
  CnnParameters gradient;
};

Outcome run(const Problem& problem, const CnnBatch& batch, double input_scale = 1) {
  CnnNet net(problem.shape, input_scale);
  AlignedVector<float> parameters(net.geometry().parameters);
  AlignedVector<float> gradient(parameters.size(), 99);  // must be overwritten
  net.geometry().import(problem.parameters, input_scale, parameters.data());
  net.set_parameters(parameters.data());
  const CnnScore score = net.gradient(batch, {}, gradient.data());
  return {score.mean_loss(), net.geometry().export_from(gradient.data(), 1)};
}

void expect_like_reference(const Problem& problem, double tolerance = 2e-5) {
  const Outcome outcome = run(problem, problem.batch());
  const CnnReference reference(problem.shape, problem.parameters);
  CnnReference::Numbers gradient;
  EXPECT_NEAR(outcome.loss, reference.loss(problem.pictures, problem.labels, {}, &gradient), 1e-5);
  expect_gradient(outcome.gradient, gradient, tolerance);
}

TEST(CnnReference, GradientAgreesWithFiniteDifferences) {
  const Problem problem =
      problem_of(shape_of(11, 13, {{3, 3, 2, 1, 2, 2}, {4, 2, 1, 1, 0, 2}}, {5}), 4);
  CnnReference reference(problem.shape, problem.parameters);
  CnnReference::Numbers gradient;
  reference.loss(problem.pictures, problem.labels, {}, &gradient);
  constexpr double kStep = 1e-6;
  for (size_t i = 0; i < gradient.size(); ++i) {
    double& number = reference.parameters().at(i);
    const double before = number;
    number = before + kStep;
    const double above = reference.loss(problem.pictures, problem.labels, {}, nullptr);
    number = before - kStep;
    const double below = reference.loss(problem.pictures, problem.labels, {}, nullptr);
    number = before;
    EXPECT_NEAR(gradient.at(i), (above - below) / (2 * kStep), 1e-7) << "number " << i;
  }
}

TEST(CnnNet, GradientAgreesWithFiniteDifferencesOfTheReference) {
  const Problem problem =
      problem_of(shape_of(11, 13, {{3, 3, 2, 1, 2, 2}, {4, 2, 1, 1, 0, 2}}, {5}), 5);
  CnnReference reference(problem.shape, problem.parameters);
  CnnReference::Numbers found = to_numbers(run(problem, problem.batch()).gradient);
  constexpr double kStep = 1e-6;
  for (size_t i = 0; i < found.size(); ++i) {
    double& number = reference.parameters().at(i);
    const double before = number;
    number = before + kStep;
    const double above = reference.loss(problem.pictures, problem.labels, {}, nullptr);
    number = before - kStep;
    const double below = reference.loss(problem.pictures, problem.labels, {}, nullptr);
    number = before;
    EXPECT_NEAR(found.at(i), (above - below) / (2 * kStep), 2e-5) << "number " << i;
  }
}

TEST(CnnNet, MatchesTheReferenceOnTheFlowPicShape) {
  // The paper's kernels, strides, padding and filters; both layers have borders and an inside.
  CnnShape shape = CnnShape::flowpic(230, 260, 3);
  shape.conv_dropout = 0;
  shape.hidden = {{8, 0}};
  Problem problem{shape, lively(shape, 3), {}, {}};
  problem.add({});
  problem.add(random_picture(shape, 0.0005, KeyedRandom(1)));
  problem.add(random_picture(shape, 0.01, KeyedRandom(2)));
  expect_like_reference(problem);
}

TEST(CnnNet, MatchesTheReferenceOnLeNet) {
  CnnShape shape = CnnShape::lenet(32, 32, 3);
  shape.conv_dropout = 0;
  shape.hidden = {{20, 0}, {12, 0}};
  expect_like_reference(problem_of(shape, 8));
}

TEST(CnnNet, MatchesTheReferenceOnOneAndThreeConvolutions) {
  expect_like_reference(problem_of(shape_of(17, 9, {{5, 4, 3, 2, 1, 2}}, {6}), 1));
  expect_like_reference(problem_of(
      shape_of(40, 37, {{3, 4, 2, 1, 1, 2}, {18, 3, 1, 1, 1, 2}, {5, 3, 1, 2, 2, 1}}, {7}), 2));
}

TEST(CnnNet, MatchesTheReferenceWithoutHiddenLayersAndWithoutPooling) {
  expect_like_reference(
      problem_of(shape_of(9, 12, {{4, 3, 1, 1, 1, 1}, {3, 3, 2, 0, 0, 1}}, {}), 1));
}

TEST(CnnNet, MatchesTheReferenceWhereTheStrideLeavesGaps) {
  expect_like_reference(
      problem_of(shape_of(30, 31, {{4, 2, 3, 0, 1, 2}, {5, 1, 2, 0, 0, 1}}, {4}), 6));
}

TEST(CnnNet, MatchesTheReferenceOnRandomShapes) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const KeyedRandom random = KeyedRandom(seed).sub(5);
    auto pick = [&, n = uint64_t{0}](uint64_t from, uint64_t to) mutable {
      return static_cast<uint32_t>(from + random.bits(n++) % (to - from + 1));
    };
    CnnShape shape = shape_of(pick(6, 40), pick(6, 40), {}, {});
    for (uint32_t l = pick(1, 3); l > 0; --l) {
      CnnConv conv;
      conv.filters = pick(1, 20);
      conv.kernel = pick(1, 6);
      conv.stride = pick(1, 3);
      conv.pad_before = pick(0, conv.kernel - 1);
      conv.pad_after = pick(0, conv.kernel - 1);
      conv.pool = pick(1, 3);
      shape.convs.push_back(conv);
      const auto [h, w] = shape.pooled_sizes().back();
      if (h == 0 || w == 0) {
        shape.convs.pop_back();
      }
    }
    if (shape.convs.empty()) {
      shape.convs.push_back({2, 3, 1, 1, 1, 2});
    }
    for (uint32_t l = pick(0, 2); l > 0; --l) {
      shape.hidden.push_back({pick(1, 20), 0});
    }
    shape.check("test");
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_like_reference(problem_of(shape, seed), 5e-5);
    if (HasFatalFailure()) {
      return;
    }
  }
}

TEST(CnnNet, ResolvesTiesAsTheFirstInRowMajorOrder) {
  // Small whole numbers: all sums in front of the dense layers are exact, and many are equal
  // without being sums of the same terms.
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CnnShape shape = shape_of(20, 18, {{3, 3, 1, 1, 1, 2}, {4, 3, 1, 1, 1, 2}}, {5});
    Problem problem = problem_of(shape, seed);
    const KeyedRandom random(seed);
    uint64_t index = 0;
    for (CnnParameters::Layer& layer : problem.parameters.convs) {
      for (std::vector<float>* numbers : {&layer.weights, &layer.bias}) {
        for (float& number : *numbers) {
          number = static_cast<float>(random.bits(index++) % 3) - 1;
        }
      }
    }
    for (float& number : problem.parameters.dense[0].weights) {
      number *= 0.01F;
    }
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_like_reference(problem);
  }
}

TEST(CnnNet, FoldsTheInputScaleIntoTheFirstLayer) {
  const CnnShape shape = shape_of(20, 20, {{4, 5, 2, 1, 1, 2}}, {6});
  const Problem problem = problem_of(shape, 3);
  const Outcome plain = run(problem, problem.batch());
  const Outcome scaled = run(problem, problem.batch(), 0.25);
  EXPECT_NEAR(plain.loss, scaled.loss, 1e-6);
  for (size_t i = 0; i < plain.gradient.convs[0].weights.size(); ++i) {
    // The network's own weights are 4 times as large, so their gradients a quarter.
    EXPECT_NEAR(scaled.gradient.convs[0].weights[i], plain.gradient.convs[0].weights[i] * 0.25F,
                1e-5);
  }
}

TEST(CnnNet, WeighsSamples) {
  Problem problem = problem_of(shape_of(16, 16, {{4, 3, 1, 1, 1, 2}}, {6}), 3);
  CnnBatch batch = problem.batch();
  for (size_t i = 0; i < problem.pictures.size(); ++i) {
    batch.weights.push_back(static_cast<float>(i + 1) * 0.5F);
  }
  const Outcome outcome = run(problem, batch);
  const CnnReference reference(problem.shape, problem.parameters);
  CnnReference::Numbers gradient;
  EXPECT_NEAR(outcome.loss,
              reference.loss(problem.pictures, problem.labels, batch.weights, &gradient), 1e-5);
  expect_gradient(outcome.gradient, gradient, 2e-5);
}

TEST(CnnNet, GivesTheReferencesProbabilities) {
  const Problem problem = problem_of(shape_of(24, 20, {{4, 3, 1, 1, 1, 2}}, {6}), 9);
  CnnNet net(problem.shape, 1);
  AlignedVector<float> parameters(net.geometry().parameters);
  net.geometry().import(problem.parameters, 1, parameters.data());
  net.set_parameters(parameters.data());
  net.evaluate(problem.batch());
  const CnnReference reference(problem.shape, problem.parameters);
  for (size_t i = 0; i < problem.pictures.size(); ++i) {
    const std::vector<double> expected = reference.probabilities(problem.pictures[i]);
    for (size_t c = 0; c < expected.size(); ++c) {
      EXPECT_NEAR(net.probabilities(i)[c], expected[c], 1e-5);
    }
  }
}

}  // namespace
}  // namespace flowmark
