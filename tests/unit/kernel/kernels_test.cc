// Every set of kernels against the scalar one: lengths from nothing to beyond twice the widest
// tile, odd alignments, and pages that must not be touched right behind every array.
#include "kernel/kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kWidest = 16;  // floats in the widest vector

/// An array that ends where an inaccessible page begins.
template <typename T>
class Guarded {
 public:
  explicit Guarded(size_t count) : count_(count) {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    bytes_ = (count * sizeof(T) + page - 1) / page * page + page;
    memory_ = static_cast<char*>(
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(::mprotect(memory_ + bytes_ - page, page, PROT_NONE), 0);
    data_ = reinterpret_cast<T*>(memory_ + bytes_ - page - count * sizeof(T));
  }
  ~Guarded() { ::munmap(memory_, bytes_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  T* data() { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  size_t size() const { return count_; }
  std::vector<T> values() const { return {data_, data_ + count_}; }

 private:
  size_t count_;
  size_t bytes_ = 0;
  char* memory_ = nullptr;
  T* data_ = nullptr;
};

size_t padded(size_t count) {
  return (count + kKernelPad - 1) / kKernelPad * kKernelPad;
}

class KernelTest : public ::testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& tested() const { return *GetParam(); }

  template <typename Array>
  void fill(Array& array) {
    std::normal_distribution<float> normal(0, 1);
    for (size_t i = 0; i < array.size(); ++i) array[i] = normal(random_);
  }
  static void expect_near(const std::vector<float>& got, const std::vector<float>& expected,
                          size_t count) {
    for (size_t i = 0; i < count; ++i) {
      ASSERT_NEAR(got[i], expected[i], 1e-5F * (1 + std::abs(expected[i]))) << i << " of " << count;
    }
  }

  std::mt19937 random_{1};
};

TEST_P(KernelTest, AddRows) {
  for (size_t n = 0; n <= 8 * 2 * kWidest + 1; n += n < 70 ? 1 : 19) {
    for (const size_t count : {0, 1, 2, 9}) {
      const size_t stride = n + (count == 9 ? 3 : 0);  // rows may overlap each other's padding
      Guarded<float> y(padded(n)), rows(20 * stride + kKernelPad);
      Guarded<float> values(count);
      Guarded<uint32_t> indices(count);
      fill(y);
      fill(rows);
      fill(values);
      for (size_t i = 0; i < count; ++i) indices[i] = static_cast<uint32_t>(random_() % 20);
      std::vector<float> expected = y.values();
      scalar_kernels().add_rows(expected.data(), n, rows.data(), stride, indices.data(),
                                values.data(), count);
      tested().add_rows(y.data(), n, rows.data(), stride, indices.data(), values.data(), count);
      expect_near(y.values(), expected, n);
    }
  }
}

TEST_P(KernelTest, RunsAreAddedAndCleared) {
  constexpr size_t kMap = 200;
  for (size_t n = 1; n <= 6 * kWidest + 1; ++n) {
    Guarded<float> map(kMap + padded(n)), weights(4 * padded(n));
    std::fill_n(map.data(), map.size(), 0.0F);
    std::fill_n(weights.data(), weights.size(), 0.0F);
    std::normal_distribution<float> normal(0, 1);
    for (size_t r = 0; r < 4; ++r) {
      for (size_t i = 0; i < n; ++i) weights[r * padded(n) + i] = normal(random_);
    }
    Guarded<ScaledRun> runs(30);
    for (size_t i = 0; i < runs.size(); ++i) {
      runs[i] = {static_cast<uint32_t>(random_() % kMap),
                 static_cast<uint32_t>(random_() % 4 * padded(n)), normal(random_)};
    }
    std::vector<float> expected = map.values();
    scalar_kernels().add_runs(expected.data(), weights.data(), n, runs.data(), runs.size());
    tested().add_runs(map.data(), weights.data(), n, runs.data(), runs.size());
    ASSERT_NO_FATAL_FAILURE(expect_near(map.values(), expected, expected.size()));
    tested().clear_runs(map.data(), n, runs.data(), runs.size());
    EXPECT_THAT(map.values(), ::testing::Each(0.0F)) << n;
  }
}

TEST_P(KernelTest, AddCells) {
  for (const size_t columns : {1u, 4u, 8u, 15u, 16u, 17u, 20u, 33u, 40u, 48u, 79u, 80u, 81u, 97u}) {
    for (const size_t rows : {1u, 2u, 3u}) {
      for (const size_t channels : {1u, 3u, 10u}) {
        for (const size_t cells : {0u, 1u, 2u, 3u, 4u, 5u, 9u, 17u}) {
          const size_t stride = padded(columns), value_stride = (channels + 3) / 4 * 4;
          const size_t map_stride = 3 * columns;
          Guarded<float> weights(rows * channels * stride), values(cells * value_stride);
          Guarded<float> map(rows * map_stride + 2 * kKernelPad);
          Guarded<uint32_t> to(cells);
          fill(values);
          fill(map);
          std::fill_n(weights.data(), weights.size(), 0.0F);
          std::normal_distribution<float> normal(0, 1);
          for (size_t r = 0; r < rows * channels; ++r) {
            for (size_t i = 0; i < columns; ++i) weights[r * stride + i] = normal(random_);
          }
          // Neighbours overlap, as the cells of one phase do.
          for (size_t i = 0; i < cells; ++i) {
            to[i] = static_cast<uint32_t>(random_() % (columns + 1));
          }
          CellBatch batch{values.data(), to.data(),      cells,     value_stride,
                          channels,      weights.data(), stride,    rows,
                          columns,       map.data(),     map_stride};
          std::vector<float> expected = map.values();
          CellBatch reference = batch;
          reference.map = expected.data();
          scalar_kernels().add_cells(reference);
          tested().add_cells(batch);
          ASSERT_NO_FATAL_FAILURE(expect_near(map.values(), expected, expected.size()))
              << columns << " columns, " << rows << " rows, " << channels << " channels, " << cells
              << " cells";
        }
      }
    }
  }
}

TEST_P(KernelTest, PoolBatch) {
  for (size_t filters = 1; filters <= 2 * kWidest + 1; ++filters) {
    for (const size_t rows : {1u, 2u, 3u}) {
      for (const size_t columns : {1u, 2u, 4u}) {
        for (const bool relu : {false, true}) {
          const size_t windows = 7, stride = padded(filters);
          const size_t cell_stride = rows == 2 ? filters : stride;
          const size_t map_stride = 20 * cell_stride;
          Guarded<float> map(rows * map_stride + kKernelPad);
          Guarded<float> base(stride), background(stride), out(windows * stride);
          Guarded<uint32_t> at(windows);
          Guarded<uint8_t> changed(windows);
          fill(map);
          fill(base);
          for (size_t i = 0; i < windows; ++i) at[i] = static_cast<uint32_t>(2 * i * cell_stride);
          // The first window is as the background is.
          std::fill_n(map.data(), map.size() / 2, 0.0F);
          for (size_t f = 0; f < stride; ++f) {
            background[f] = relu ? std::max(base[f], 0.0F) : base[f];
          }
          PoolBatch batch{map.data(), map_stride,  at.data(), windows,       rows,
                          columns,    cell_stride, filters,   base.data(),   background.data(),
                          relu,       out.data(),  stride,    changed.data()};
          std::vector<float> expected(out.size(), 9);
          std::vector<uint8_t> expected_changed(windows);
          PoolBatch reference = batch;
          reference.out = expected.data();
          reference.changed = expected_changed.data();
          scalar_kernels().pool_batch(reference);
          fill(out);
          tested().pool_batch(batch);
          ASSERT_EQ(out.values(), expected) << filters;  // no rounding: the same operations
          ASSERT_EQ(changed.values(), expected_changed);
        }
      }
    }
  }
}

TEST_P(KernelTest, PoolWindow) {
  for (size_t filters = 1; filters <= 2 * kWidest + 1; ++filters) {
    for (const size_t cells : {1u, 2u, 4u, 9u}) {
      for (const bool relu : {false, true}) {
        Guarded<float> map((cells + 1) * filters + kKernelPad), base(padded(filters) * cells);
        Guarded<float> background(padded(filters)), out(padded(filters));
        fill(map);
        fill(base);
        fill(background);
        std::vector<const float*> map_cells, base_cells;
        for (size_t i = 0; i < cells; ++i) {
          map_cells.push_back(map.data() + i * filters);
          base_cells.push_back(base.data() + i * padded(filters));
        }
        PoolWindow window{map_cells.data(), base_cells.data(), cells,
                          filters,          background.data(), relu,
                          out.data()};
        std::vector<float> expected(padded(filters), 0.0F);
        PoolWindow reference = window;
        reference.out = expected.data();
        const bool changed = scalar_kernels().pool_window(reference);
        ASSERT_EQ(tested().pool_window(window), changed);
        for (size_t f = 0; f < filters; ++f) ASSERT_EQ(out[f], expected[f]);
      }
    }
  }
}

TEST_P(KernelTest, Compress) {
  for (size_t n = 0; n <= 4 * kWidest + 1; ++n) {
    for (const uint32_t of_ten : {0u, 3u, 10u}) {
      Guarded<float> values(padded(n)), out(n + kKernelPad);
      Guarded<uint32_t> indices(n + kKernelPad);
      fill(values);
      for (size_t i = 0; i < n; ++i) {
        if (random_() % 10 >= of_ten) values[i] = i % 2 == 0 ? 0.0F : -0.0F;
      }
      std::vector<float> expected(n + kKernelPad);
      std::vector<uint32_t> expected_indices(n + kKernelPad);
      const size_t count = scalar_kernels().compress(values.data(), n, 1000,
                                                     expected_indices.data(), expected.data());
      ASSERT_EQ(tested().compress(values.data(), n, 1000, indices.data(), out.data()), count);
      ASSERT_TRUE(std::equal(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(count),
                             out.data()));
      ASSERT_TRUE(std::equal(expected_indices.begin(),
                             expected_indices.begin() + static_cast<ptrdiff_t>(count),
                             indices.data()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, KernelTest, ::testing::ValuesIn(available_kernels()),
                         [](const auto& tested) { return std::string(tested.param->target); });

TEST(KernelDispatch, EveryCompiledTargetIsTestedOrSaidToBeMissing) {
  std::vector<std::string> available;
  for (const Kernels* kernels : available_kernels()) available.emplace_back(kernels->target);
  EXPECT_EQ(available.back(), "SCALAR");
  std::string missing;
  for (const std::string& target : compiled_kernel_targets()) {
    if (std::find(available.begin(), available.end(), target) == available.end()) {
      missing += " " + target;
    }
  }
  if (!missing.empty()) GTEST_SKIP() << "this processor lacks" << missing;
}

class ForcedTarget : public ::testing::Test {
 protected:
  ~ForcedTarget() override { ::unsetenv("FLOWMARK_FORCE_TARGET"); }
};

TEST_F(ForcedTarget, IsTheOneThatRuns) {
  for (const Kernels* kernels : available_kernels()) {
    ::setenv("FLOWMARK_FORCE_TARGET", kernels->target, 1);
    EXPECT_EQ(&default_kernels(), kernels);
    // The functions are the target's own: no two tables share one.
    for (const Kernels* other : available_kernels()) {
      EXPECT_EQ(other->add_cells == default_kernels().add_cells, other == kernels);
    }
  }
  ::unsetenv("FLOWMARK_FORCE_TARGET");
  EXPECT_EQ(&default_kernels(), available_kernels().front());
}

TEST_F(ForcedTarget, UnknownOnesAreRefusedWithTheNames) {
  ::setenv("FLOWMARK_FORCE_TARGET", "AVX1024", 1);
  try {
    default_kernels();
    FAIL() << "no Error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                ::testing::AllOf(::testing::HasSubstr("FLOWMARK_FORCE_TARGET: 'AVX1024' is no"),
                                 ::testing::HasSubstr("SCALAR")));
  }
}

}  // namespace
}  // namespace flowmark
