#include "learn/cnn/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/keyed_random.h"
#include "kernel/aligned_vector.h"

namespace flowmark {
namespace {

/// Every vectorised set of this processor against the scalar one.
class CnnKernelsTest : public testing::TestWithParam<const CnnKernels*> {
 protected:
  const CnnKernels& simd() const { return *GetParam(); }
  const CnnKernels& scalar() const { return scalar_cnn_kernels(); }

  AlignedVector<float> numbers(size_t n) {
    AlignedVector<float> out(n);
    for (float& value : out) {
      value = static_cast<float>(random_.uniform(next_++) * 2 - 1);
    }
    return out;
  }
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_.bits(next_++) % n); }

 private:
  KeyedRandom random_{1};
  uint64_t next_ = 0;
};

void expect_near(const AlignedVector<float>& actual, const AlignedVector<float>& expected,
                 float tolerance = 2e-6F) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * std::max(1.0F, std::abs(expected[i]))) << i;
  }
}

TEST_P(CnnKernelsTest, Pool) {
  for (const size_t filters : {1, 6, 16, 20, 33}) {
    for (const bool with_base : {false, true}) {
      const size_t stride = (filters + 15) / 16 * 16;
      constexpr size_t kWindows = 9;
      constexpr size_t kSubs = 4;
      constexpr size_t kClasses = 3;
      const AlignedVector<float> map = numbers(kWindows * kSubs * filters + 16 + stride);
      AlignedVector<float> background = numbers(5 * stride);
      const AlignedVector<float> base = numbers(kClasses * stride);
      std::vector<uint32_t> at;
      std::vector<uint32_t> window_class;
      for (uint32_t w = 0; w < kWindows; ++w) {
        at.push_back(static_cast<uint32_t>(w * kSubs * filters));
        window_class.push_back(below(kClasses));
      }
      std::vector<uint32_t> place;
      for (uint32_t sub = 0; sub < kSubs; ++sub) {
        place.push_back(static_cast<uint32_t>(sub * filters));
      }
      std::vector<uint32_t> background_at;
      for (size_t i = 0; i < kClasses * kSubs; ++i) {
        background_at.push_back(static_cast<uint32_t>(below(5) * stride));
      }
      const auto run = [&](const CnnKernels& kernels, AlignedVector<float>& out,
                           AlignedVector<int32_t>& winner) {
        out.assign(kWindows * stride, 99);
        winner.assign(out.size(), 99);
        CnnPool task;
        task.map = map.data();
        task.at = at.data();
        task.window_class = window_class.data();
        task.windows = kWindows;
        task.place = place.data();
        task.subs = kSubs;
        task.background = background.data();
        task.background_at = background_at.data();
        task.base = with_base ? base.data() : nullptr;
        task.filters = filters;
        task.filter_stride = stride;
        task.out = out.data();
        task.winner = winner.data();
        kernels.pool(task);
      };
      AlignedVector<float> actual;
      AlignedVector<float> expected;
      AlignedVector<int32_t> actual_winner;
      AlignedVector<int32_t> expected_winner;
      run(simd(), actual, actual_winner);
      run(scalar(), expected, expected_winner);
      EXPECT_EQ(actual, expected);
      EXPECT_EQ(actual_winner, expected_winner);
    }
  }
}

TEST_P(CnnKernelsTest, PoolTakesTheFirstOfEqualPlacesAndNoneBelowZero) {
  const AlignedVector<float> map(4 * 16 + 16, 0);
  const std::vector<uint32_t> zero{0};
  const std::vector<uint32_t> place{0, 16, 32, 48};
  AlignedVector<float> background(32, 0.5F);
  std::fill(background.begin() + 16, background.end(), 0.75F);
  background[3] = background[16 + 3] = 0;  // dead at zero, as PyTorch's ReLU
  background[4] = background[16 + 4] = -1;
  const std::vector<uint32_t> background_at{0, 16, 0, 16};
  AlignedVector<float> out(16);
  AlignedVector<int32_t> winner(16);
  CnnPool task;
  task.map = map.data();
  task.at = task.window_class = zero.data();
  task.windows = 1;
  task.place = place.data();
  task.subs = 4;
  task.background = background.data();
  task.background_at = background_at.data();
  task.filters = task.filter_stride = 16;
  task.out = out.data();
  task.winner = winner.data();
  simd().pool(task);
  for (size_t f = 0; f < 16; ++f) {
    const bool dead = f == 3 || f == 4;
    EXPECT_EQ(winner[f], dead ? -1 : 1) << f;
    EXPECT_EQ(out[f], dead ? 0 : 0.75F) << f;
  }
}

TEST_P(CnnKernelsTest, Spread) {
  for (const size_t stride : {16, 48}) {
    constexpr size_t kWindows = 7;
    constexpr size_t kSubs = 9;
    const AlignedVector<float> gradient = numbers(kWindows * stride);
    AlignedVector<int32_t> winner(gradient.size());
    for (int32_t& value : winner) {
      value = static_cast<int32_t>(below(kSubs + 1)) - 1;
    }
    const AlignedVector<float> before = numbers(stride);
    const auto run = [&](const CnnKernels& kernels, AlignedVector<float>& map,
                         AlignedVector<float>& sum) {
      map.assign(kWindows * kSubs * stride, 99);
      sum = before;
      kernels.spread(
          {gradient.data(), winner.data(), kWindows, kSubs, stride, map.data(), sum.data()});
    };
    AlignedVector<float> actual;
    AlignedVector<float> expected;
    AlignedVector<float> actual_sum;
    AlignedVector<float> expected_sum;
    run(simd(), actual, actual_sum);
    run(scalar(), expected, expected_sum);
    EXPECT_EQ(actual, expected);
    expect_near(actual_sum, expected_sum);
  }
}

TEST_P(CnnKernelsTest, TakeRuns) {
  for (const size_t n : {16, 32, 80}) {
    const AlignedVector<float> map = numbers(20 * n);
    std::vector<ScaledRun> runs;
    for (int i = 0; i < 50; ++i) {
      runs.push_back({static_cast<uint32_t>(below(20) * n), static_cast<uint32_t>(below(8) * n),
                      static_cast<float>(below(5))});
    }
    AlignedVector<float> actual = numbers(8 * n);
    AlignedVector<float> expected = actual;
    simd().take_runs(actual.data(), map.data(), n, runs.data(), runs.size());
    scalar().take_runs(expected.data(), map.data(), n, runs.data(), runs.size());
    expect_near(actual, expected, 1e-5F);
  }
}

TEST_P(CnnKernelsTest, CellBack) {
  for (const size_t stride : {16, 32}) {
    constexpr size_t kCells = 11;
    constexpr size_t kMapRows = 6;
    constexpr size_t kMapColumns = 7;
    constexpr size_t kRows = 2;
    constexpr size_t kColumns = 3;
    constexpr size_t kFilters = 5;
    std::vector<CnnEntry> entries;
    std::vector<uint32_t> first{0};
    for (uint32_t place = 0; place < kMapRows * kMapColumns; ++place) {
      for (uint32_t f = 0; f < kFilters; ++f) {
        if (below(3) == 0) {
          entries.push_back(
              {static_cast<uint32_t>(place % kMapColumns * kFilters + f), numbers(1)[0]});
        }
      }
      first.push_back(static_cast<uint32_t>(entries.size()));
    }
    std::vector<CnnReach> reach;
    for (size_t i = 0; i < kCells; ++i) {
      const uint32_t column = below(kMapColumns - kColumns + 1);
      reach.push_back({static_cast<uint32_t>(below(kMapRows - kRows + 1) * kMapColumns + column),
                       static_cast<uint32_t>(column * kFilters)});
    }
    const AlignedVector<float> values = numbers(kCells * stride);
    const AlignedVector<float> weights = numbers(kRows * kColumns * kFilters * stride);
    const AlignedVector<float> before = numbers(weights.size());
    const auto run = [&](const CnnKernels& kernels, AlignedVector<float>& gradient,
                         AlignedVector<float>& weight_gradient) {
      gradient.assign(values.size(), 99);
      weight_gradient = before;
      kernels.cell_back({values.data(), reach.data(), kCells, stride, entries.data(), first.data(),
                         kMapColumns, kRows, kColumns, kFilters, weights.data(),
                         weight_gradient.data(), gradient.data()});
    };
    AlignedVector<float> actual;
    AlignedVector<float> expected;
    AlignedVector<float> actual_weights;
    AlignedVector<float> expected_weights;
    run(simd(), actual, actual_weights);
    run(scalar(), expected, expected_weights);
    expect_near(actual, expected, 1e-5F);
    expect_near(actual_weights, expected_weights, 1e-5F);
  }
}

TEST_P(CnnKernelsTest, Product) {
  for (const size_t m : {1, 5, 6, 13, 24}) {
    for (const size_t n : {16, 32, 48, 80}) {
      for (const size_t k : {0, 1, 17}) {
        for (const bool transposed : {false, true}) {
          const AlignedVector<float> a = numbers(std::max<size_t>(m * k, 1));
          const AlignedVector<float> b = numbers(std::max<size_t>(k * n, 1));
          const AlignedVector<float> init = numbers(n);
          const auto run = [&](const CnnKernels& kernels, AlignedVector<float>& c) {
            c.assign(m * n, 99);
            CnnProduct task;
            task.a = a.data();
            task.a_row = transposed ? 1 : k;
            task.a_column = transposed ? m : 1;
            task.b = b.data();
            task.b_row = n;
            task.init = transposed ? nullptr : init.data();
            task.c = c.data();
            task.c_row = n;
            task.m = m;
            task.n = n;
            task.k = k;
            kernels.product(task);
          };
          AlignedVector<float> actual;
          AlignedVector<float> expected;
          run(simd(), actual);
          run(scalar(), expected);
          expect_near(actual, expected, 1e-5F);
        }
      }
    }
  }
}

TEST_P(CnnKernelsTest, ProductOfARowDoesNotDependOnItsNeighbours) {
  // Else results would depend on how a product is split among threads.
  const AlignedVector<float> a = numbers(13 * 40);
  const AlignedVector<float> b = numbers(40 * 48);
  AlignedVector<float> together(13 * 48);
  AlignedVector<float> alone(13 * 48);
  const CnnProduct task{a.data(), 40, 1, b.data(), 48, nullptr, together.data(), 48, 13, 48, 40};
  simd().product(task);
  for (size_t i = 0; i < 13; ++i) {
    CnnProduct part = task;
    part.a += i * 40;
    part.c = alone.data() + i * 48;
    part.m = 1;
    simd().product(part);
  }
  EXPECT_EQ(together, alone);
}

TEST_P(CnnKernelsTest, Adam) {
  AlignedVector<float> actual[3] = {numbers(64), numbers(64), numbers(64)};
  for (float& value : actual[2]) {
    value = std::abs(value);
  }
  AlignedVector<float> expected[3] = {actual[0], actual[1], actual[2]};
  const AlignedVector<float> gradient = numbers(64);
  const auto run = [&](const CnnKernels& kernels, AlignedVector<float>* arrays) {
    kernels.adam({arrays[0].data(), arrays[1].data(), arrays[2].data(), gradient.data(), 64, 0.9F,
                  0.999F, 0.001F, 0.03F, 1e-8F, 0.75F});
  };
  run(simd(), actual);
  run(scalar(), expected);
  for (size_t i = 0; i < 3; ++i) {
    expect_near(actual[i], expected[i]);
  }
}

TEST_P(CnnKernelsTest, AddAndGateAtAllLengths) {
  for (size_t n = 0; n <= 35; ++n) {
    const AlignedVector<float> other = numbers(n + 1);
    AlignedVector<float> actual = numbers(n + 1);
    AlignedVector<float> expected = actual;
    simd().add(actual.data(), other.data(), n);
    scalar().add(expected.data(), other.data(), n);
    EXPECT_EQ(actual, expected);
    simd().gate(actual.data(), other.data(), 1.5F, n);
    scalar().gate(expected.data(), other.data(), 1.5F, n);
    EXPECT_EQ(actual, expected);
  }
}

std::string name_of(const testing::TestParamInfo<const CnnKernels*>& info) {
  std::string name = info.param->target;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Targets, CnnKernelsTest, testing::ValuesIn(available_cnn_kernels()),
                         name_of);

TEST(CnnKernels, ExistForTheTargetsOfTheOtherKernels) {
  std::set<std::string> ours;
  for (const CnnKernels* kernels : available_cnn_kernels()) {
    ours.insert(kernels->target);
  }
  for (const Kernels* kernels : available_kernels()) {
    EXPECT_TRUE(ours.count(kernels->target) == 1) << kernels->target;
  }
  EXPECT_STREQ(default_cnn_kernels().target, default_kernels().target);
}

}  // namespace
}  // namespace flowmark
