// Reduced precision: what it is allowed to change, and where it applies.
#include <algorithm>

#include "model/engine/build_engine.h"
#include "model/model.h"
#include "unit/model/model_test_util.h"
#include "unit/model/network_maker.h"

namespace flowmark {
namespace {

using testing::random_window;

class Bf16Engine : public ::testing::TestWithParam<const Kernels*> {
 protected:
  void SetUp() override {
    if (!GetParam()->has_bf16()) GTEST_SKIP() << GetParam()->target << " has no bfloat16";
  }
};

// Weights of 8 bits of precision move a probability by a percent or so.
TEST_P(Bf16Engine, StaysNearTheExactOne) {
  std::mt19937 random(11);
  for (const NetworkPlan& plan :
       {testing::paper_network(300, 300, 5, random), testing::lenet(32, 5, random)}) {
    const auto exact = build_engine(plan, *GetParam());
    const auto reduced = build_engine(plan, *GetParam(), Precision::bf16);
    EXPECT_EQ(exact->precision(), Precision::exact);
    EXPECT_EQ(reduced->precision(), Precision::bf16);
    const auto scratch = exact->make_scratch(), other = reduced->make_scratch();
    bool differs = false;
    for (const size_t count : {0, 1, 10, 100, 1000}) {
      const SparseWindow window = random_window(plan.inputs, count, random);
      const auto expected = exact->run(*scratch, window), got = reduced->run(*other, window);
      for (size_t c = 0; c < got.size(); ++c) {
        EXPECT_NEAR(got[c], expected[c], 0.02) << count << " pixels, class " << c;
        differs |= got[c] != expected[c];
      }
    }
    EXPECT_TRUE(differs);
  }
}

TEST_P(Bf16Engine, AnswersTheSameOnEverySetThatHasIt) {
  std::mt19937 random(12);
  std::string text;
  for (int i = 0; i < 20; ++i) {
    const NetworkPlan plan = testing::random_network(random, &text);
    const auto scalar = build_engine(plan, scalar_kernels(), Precision::bf16);
    const auto tested = build_engine(plan, *GetParam(), Precision::bf16);
    const auto scratch = scalar->make_scratch(), other = tested->make_scratch();
    for (const size_t count : {0, 1, 20, 200}) {
      const SparseWindow window = random_window(plan.inputs, count, random);
      const auto expected = scalar->run(*scratch, window), got = tested->run(*other, window);
      // Another order of additions may round a value to the neighbouring bfloat16.
      for (size_t c = 0; c < got.size(); ++c) EXPECT_NEAR(got[c], expected[c], 0.01) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Bf16Engine, ::testing::ValuesIn(available_kernels()),
                         [](const auto& tested) { return std::string(tested.param->target); });

TEST(Precision, KernelsWithoutItStayExact) {
  std::mt19937 random(13);
  const NetworkPlan plan = testing::lenet(32, 3, random);
  Kernels without = scalar_kernels();
  without.add_cells_bf16 = nullptr;
  without.add_rows_bf16 = nullptr;
  EXPECT_EQ(build_engine(plan, without, Precision::bf16)->precision(), Precision::exact);
}

TEST(Precision, LinearModelsStayExact) {
  std::mt19937 random(14);
  NetworkPlan plan;
  plan.inputs = 10;
  plan.dense.push_back({10, 3, testing::random_floats(30, 1, random),
                        testing::random_floats(3, 1, random), Activation::none});
  EXPECT_EQ(build_engine(plan, scalar_kernels(), Precision::bf16)->precision(), Precision::exact);
}

}  // namespace
}  // namespace flowmark
