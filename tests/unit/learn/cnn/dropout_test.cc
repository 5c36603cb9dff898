#include "learn/cnn/dropout.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/learn/cnn/problem.h"

namespace flowmark {
namespace {

constexpr uint64_t kSeed = 1;

/// What the net drops in front of the last pooling, for the reference.
CnnReference::Factor unpooled_factor(const CnnShape& shape) {
  const CnnConv conv = shape.convs.back();
  const auto [pooled_h, pooled_w] = shape.pooled_sizes().back();
  return [=, share = shape.conv_dropout, rows = pooled_h, columns = pooled_w](
             size_t sample, uint32_t filter, uint32_t y, uint32_t x) {
    if (y / conv.pool >= rows || x / conv.pool >= columns) return 1.0;  // pooling leaves it out
    const CnnDropDraw draw(share, KeyedRandom(kSeed).sub(0).sub(sample));
    const size_t window = size_t{y / conv.pool} * columns + x / conv.pool;
    const size_t place = y % conv.pool * conv.pool + x % conv.pool;
    const size_t index = (window * conv.pool * conv.pool + place) * conv.filters + filter;
    return draw.lost(index) ? 0.0 : 1 / (1 - share);
  };
}

/// The loss and the gradient with dropout in front of the pooling, beside the reference's.
void expect_unpooled_like_reference(CnnShape shape, double share, uint64_t seed,
                                    double tolerance = 2e-5) {
  shape.conv_dropout = share;
  shape.dropout_place = CnnDropoutPlace::unpooled;
  const Problem problem = problem_of(shape, seed);
  CnnNet net(shape, 1);
  AlignedVector<float> parameters(net.geometry().parameters);
  AlignedVector<float> gradient(parameters.size());
  net.geometry().import(problem.parameters, 1, parameters.data());
  net.set_parameters(parameters.data());
  const CnnScore score = net.gradient(problem.batch(), {true, KeyedRandom(kSeed)}, gradient.data());
  CnnReference reference(shape, problem.parameters);
  reference.set_unpooled_factor(unpooled_factor(shape));
  CnnReference::Numbers expected;
  EXPECT_NEAR(score.mean_loss(), reference.loss(problem.pictures, problem.labels, {}, &expected),
              1e-5);
  expect_gradient(net.geometry().export_from(gradient.data(), 1), expected, tolerance);
}

TEST(CnnDropout, DropsItsShareAndKeepsTheMean) {
  std::vector<float> values(200'000, 1);
  drop_values(values, 0.25, 0, KeyedRandom(3));
  const auto zeros = std::count(values.begin(), values.end(), 0.0F);
  EXPECT_NEAR(static_cast<double>(zeros) / 200'000, 0.25, 0.005);
  EXPECT_FLOAT_EQ(*std::max_element(values.begin(), values.end()), 4.0F / 3);
  std::vector<float> grouped(20 * 50, 1);
  drop_values(grouped, 0.5, 20, KeyedRandom(3));
  for (size_t i = 20; i < grouped.size(); ++i) {
    EXPECT_EQ(grouped[i], grouped[i % 20]);
  }
}

TEST(CnnDropout, UnpooledMatchesTheReference) {
  // Borders, an inside, and outputs that pooling leaves out; pictures empty and full.
  for (const double share : {0.25, 0.8}) {
    SCOPED_TRACE("share " + std::to_string(share));
    expect_unpooled_like_reference(shape_of(21, 18, {{3, 3, 1, 1, 1, 2}, {4, 3, 1, 1, 1, 2}}, {9}),
                                   share, 12);
    expect_unpooled_like_reference(shape_of(17, 9, {{5, 4, 3, 2, 1, 2}}, {6}), share, 1);
    expect_unpooled_like_reference(
        shape_of(40, 37, {{3, 4, 2, 1, 1, 2}, {18, 3, 1, 1, 1, 2}, {5, 3, 1, 2, 2, 3}}, {7}), share,
        2);
  }
  expect_unpooled_like_reference(
      CnnShape{32, 32, CnnShape::lenet(32, 32, 3).convs, 0, CnnDropoutPlace::pooled, {{20, 0}}, 3},
      0.25, 8);
}

TEST(CnnDropout, UnpooledOnTheFlowPicShapeMatchesTheReference) {
  CnnShape shape = CnnShape::flowpic(230, 260, 3);
  shape.hidden = {{8, 0}};
  shape.conv_dropout = 0.25;
  expect_unpooled_like_reference(shape, 0.25, 3, 5e-5);
}

TEST(CnnDropout, UnpooledWithoutPoolingIsThatOfThePooled) {
  // Windows of one place: the draws have the same indices.
  CnnShape shape = shape_of(14, 12, {{3, 3, 1, 1, 1, 2}, {4, 3, 1, 0, 0, 1}}, {9});
  shape.conv_dropout = 0.3;
  const Problem problem = problem_of(shape, 5);
  std::vector<CnnScore> scores;
  std::vector<AlignedVector<float>> gradients;
  for (const CnnDropoutPlace place : {CnnDropoutPlace::pooled, CnnDropoutPlace::unpooled}) {
    shape.dropout_place = place;
    CnnNet net(shape, 1);
    AlignedVector<float> parameters(net.geometry().parameters);
    gradients.emplace_back(parameters.size());
    net.geometry().import(problem.parameters, 1, parameters.data());
    net.set_parameters(parameters.data());
    scores.push_back(
        net.gradient(problem.batch(), {true, KeyedRandom(kSeed)}, gradients.back().data()));
  }
  EXPECT_NEAR(scores[0].loss, scores[1].loss, 1e-6);
  for (size_t i = 0; i < gradients[0].size(); ++i) {
    ASSERT_NEAR(gradients[0][i], gradients[1][i], 1e-5) << "number " << i;
  }
}

TEST(CnnDropout, UnpooledIsOffWhereNothingIsTrained) {
  CnnShape shape = shape_of(16, 14, {{3, 3, 1, 1, 1, 2}, {4, 3, 1, 0, 0, 2}}, {9});
  const Problem problem = problem_of(shape, 12);
  shape.conv_dropout = 0.5;
  shape.dropout_place = CnnDropoutPlace::unpooled;
  CnnNet net(shape, 1);
  AlignedVector<float> parameters(net.geometry().parameters);
  AlignedVector<float> gradient(parameters.size());
  net.geometry().import(problem.parameters, 1, parameters.data());
  net.set_parameters(parameters.data());
  net.gradient(problem.batch(), {true, KeyedRandom(kSeed)}, gradient.data());
  const CnnReference reference(shape, problem.parameters);
  EXPECT_NEAR(net.evaluate(problem.batch()).mean_loss(),
              reference.loss(problem.pictures, problem.labels, {}, nullptr), 1e-5);
}

class CnnDropoutGradient : public testing::TestWithParam<CnnDropoutPlace> {};

TEST_P(CnnDropoutGradient, IsThatOfTheThinnedNetwork) {
  // Finite differences of the loss under the same random numbers.
  CnnShape shape = shape_of(16, 14, {{3, 3, 1, 1, 1, 2}, {4, 3, 1, 0, 0, 2}}, {9});
  shape.conv_dropout = 0.25;
  shape.dropout_place = GetParam();
  shape.hidden[0].dropout = 0.5;
  const Problem problem = problem_of(shape, 12);
  CnnNet net(shape, 1);
  AlignedVector<float> parameters(net.geometry().parameters);
  AlignedVector<float> gradient(parameters.size());
  AlignedVector<float> ignored(parameters.size());
  net.geometry().import(problem.parameters, 1, parameters.data());
  const CnnDropout dropout{true, KeyedRandom(kSeed)};
  const auto loss = [&](AlignedVector<float>& into) {
    net.set_parameters(parameters.data());
    return net.gradient(problem.batch(), dropout, into.data()).mean_loss();
  };
  loss(gradient);
  constexpr float kStep = 1e-3F;
  for (size_t i = 0; i < parameters.size(); i += 7) {
    const float before = parameters[i];
    parameters[i] = before + kStep;
    const double above = loss(ignored);
    parameters[i] = before - kStep;
    const double below = loss(ignored);
    parameters[i] = before;
    if (gradient[i] != 0) {  // the padding's is 0 whatever it holds
      EXPECT_NEAR(gradient[i], (above - below) / 0.002, 2e-3) << "number " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Places, CnnDropoutGradient,
                         testing::Values(CnnDropoutPlace::pooled, CnnDropoutPlace::filters,
                                         CnnDropoutPlace::unpooled));

}  // namespace
}  // namespace flowmark
