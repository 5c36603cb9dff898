// The sparse evaluation against the dense one, element by element, on every instruction set.
#include <algorithm>
#include <memory>

#include "model/engine/build_engine.h"
#include "model/engine/reference.h"
#include "unit/model/model_test_util.h"
#include "unit/model/network_maker.h"

namespace flowmark {
namespace {

using testing::ConvSpec;
using testing::make_network;
using testing::random_window;

constexpr double kTolerance = 1e-5;

void expect_agreement(const NetworkPlan& plan, const std::vector<SparseWindow>& windows) {
  std::vector<std::vector<double>> expected;
  for (const SparseWindow& window : windows) {
    expected.push_back(reference_probabilities(plan, window));
  }
  for (const Kernels* kernels : available_kernels()) {
    SCOPED_TRACE(kernels->target);
    const auto engine = build_engine(plan, *kernels);
    const auto scratch = engine->make_scratch();
    // Twice, so that anything a window leaves behind spoils the next.
    for (int round = 0; round < 2; ++round) {
      for (size_t w = 0; w < windows.size(); ++w) {
        const auto got = engine->run(*scratch, windows[w]);
        ASSERT_EQ(got.size(), expected[w].size());
        for (size_t c = 0; c < got.size(); ++c) {
          ASSERT_NEAR(got[c], expected[w][c], kTolerance)
              << "window " << w << " of " << windows[w].size() << " pixels, class " << c;
        }
      }
    }
  }
}

SparseWindow border_pixels(uint32_t height, uint32_t width) {
  SparseWindow window;
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      if (y == 0 || x == 0 || y + 1 == height || x + 1 == width)
        window.push_back({y * width + x, 3});
    }
  }
  return window;
}

SparseWindow full_picture(uint32_t length, float value) {
  SparseWindow window;
  for (uint32_t i = 0; i < length; ++i) window.push_back({i, value});
  return window;
}

/// One row of pixels, as a flow of packets of one size makes it.
SparseWindow one_row(uint32_t row, uint32_t width) {
  SparseWindow window;
  for (uint32_t x = 0; x < width; ++x)
    window.push_back({row * width + x, 1.0F + static_cast<float>(x % 3)});
  return window;
}

TEST(CnnEngine, AgreesOnThePaperNetwork) {
  std::mt19937 random(3);
  const NetworkPlan plan = testing::paper_network(1500, 1500, 5, random);
  ASSERT_EQ(parameter_count(plan), 309094u + 65 * 5);
  SparseWindow corners{{0, 9}, {1499, 9}, {1499u * 1500, 9}, {1500u * 1500 - 1, 9}};
  expect_agreement(plan, {{},
                          corners,
                          random_window(plan.inputs, 10, random),
                          random_window(plan.inputs, 1000, random),
                          one_row(1499, 1500)});
}

TEST(CnnEngine, AgreesOnSmallerPicturesAndLeNet) {
  std::mt19937 random(4);
  for (const NetworkPlan& plan :
       {testing::paper_network(300, 300, 3, random), testing::paper_network(64, 64, 4, random),
        testing::lenet(32, 5, random)}) {
    const auto side = plan.convs[0].in_h;
    SCOPED_TRACE(side);
    std::vector<SparseWindow> windows{
        {}, border_pixels(side, side), full_picture(plan.inputs, 1), one_row(side / 2, side)};
    for (const size_t count : {1, 2, 7, 30, 300, 1000}) {
      windows.push_back(random_window(plan.inputs, count, random));
    }
    expect_agreement(plan, windows);
  }
}

TEST(CnnEngine, AgreesOnMaximalCounts) {
  std::mt19937 random(5);
  const NetworkPlan plan = testing::paper_network(64, 64, 3, random);
  SparseWindow window = random_window(plan.inputs, 40, random);
  for (SparseValue& value : window) value.value = 65535;
  // Scores grow with the counts; what must agree is the probabilities, relative to their precision.
  const auto expected = reference_probabilities(plan, window);
  for (const Kernels* kernels : available_kernels()) {
    const auto engine = build_engine(plan, *kernels);
    const auto scratch = engine->make_scratch();
    const auto got = engine->run(*scratch, window);
    for (size_t c = 0; c < got.size(); ++c) EXPECT_NEAR(got[c], expected[c], 1e-4);
  }
}

class RandomNetworks : public ::testing::TestWithParam<int> {};

TEST_P(RandomNetworks, AgreeWithTheReference) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  for (int i = 0; i < 8; ++i) {
    std::string text;
    const NetworkPlan plan = testing::random_network(random, &text);
    SCOPED_TRACE(text);
    const uint32_t height = plan.convs[0].in_h, width = plan.convs[0].in_w;
    std::vector<SparseWindow> windows{
        {}, border_pixels(height, width), full_picture(plan.inputs, 2)};
    for (const size_t count : {1, 3, 20, 100}) {
      windows.push_back(random_window(plan.inputs, count, random));
    }
    ASSERT_NO_FATAL_FAILURE(expect_agreement(plan, windows));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomNetworks, ::testing::Range(0, 30));

TEST(CnnEngine, AnswersTheSameInSlicesOfAnySize) {
  std::mt19937 random(6);
  for (const NetworkPlan& plan :
       {testing::paper_network(300, 300, 4, random), testing::lenet(32, 4, random)}) {
    const SparseWindow window = random_window(plan.inputs, 300, random);
    for (const Kernels* kernels : available_kernels()) {
      SCOPED_TRACE(kernels->target);
      const auto engine = build_engine(plan, *kernels);
      const auto scratch = engine->make_scratch();
      const auto whole = engine->run(*scratch, window);
      const std::vector<float> expected(whole.begin(), whole.end());
      for (const uint32_t work : {1u, 7u, 100u, 1000u, 16000u}) {
        engine->begin(*scratch, window);
        size_t slices = 1;
        while (!engine->step(*scratch, work)) ++slices;
        EXPECT_GE(slices, work == 1 ? 20u : 1u);
        const auto got = engine->probabilities(*scratch);
        EXPECT_TRUE(std::equal(got.begin(), got.end(), expected.begin())) << "work " << work;
      }
    }
  }
}

TEST(CnnEngine, ForgetsAnInferenceThatWasGivenUp) {
  std::mt19937 random(8);
  const NetworkPlan plan = testing::paper_network(300, 300, 4, random);
  const auto engine = build_engine(plan, default_kernels());
  const auto scratch = engine->make_scratch();
  const SparseWindow window = random_window(plan.inputs, 200, random);
  const auto whole = engine->run(*scratch, window);
  const std::vector<float> expected(whole.begin(), whole.end());
  for (int slices = 1; slices < 200; ++slices) {
    const SparseWindow other = random_window(plan.inputs, 500, random);
    engine->begin(*scratch, other);
    for (int i = 0; i < slices; ++i) {
      if (engine->step(*scratch, 300)) break;
    }
    const auto got = engine->run(*scratch, window);
    ASSERT_TRUE(std::equal(got.begin(), got.end(), expected.begin())) << slices;
  }
}

TEST(CnnEngine, AbandonedWindowsMayVanish) {
  // begin() on a new window must not look at the old one, which may be gone.
  std::mt19937 random(9);
  const NetworkPlan plan = testing::lenet(32, 3, random);
  const auto engine = build_engine(plan, default_kernels());
  const auto scratch = engine->make_scratch();
  {
    auto gone = std::make_unique<SparseWindow>(random_window(plan.inputs, 100, random));
    engine->begin(*scratch, *gone);
    engine->step(*scratch, 100);
  }
  const SparseWindow window = random_window(plan.inputs, 50, random);
  const auto expected = reference_probabilities(plan, window);
  const auto got = engine->run(*scratch, window);
  for (size_t c = 0; c < got.size(); ++c) EXPECT_NEAR(got[c], expected[c], kTolerance);
}

TEST(CnnEngine, RefusesNetworksThatNeedTooMuchMemory) {
  std::mt19937 random(10);
  ConvSpec spec;
  spec.filters = 256;
  spec.kernel_h = spec.kernel_w = 3;
  ConvSpec last = spec;
  last.pool_h = last.pool_w = last.pool_stride_h = last.pool_stride_w = 500;
  const NetworkPlan plan = make_network(1200, 1200, {spec, last}, {2}, random);
  EXPECT_THAT(testing::error_of([&] { build_engine(plan, default_kernels()); }),
              ::testing::AllOf(::testing::HasSubstr("the convolution of 256 filters 3 x 3 over 1"),
                               ::testing::HasSubstr("at most 768 MB are allowed")));
}

}  // namespace
}  // namespace flowmark
