// The kernels of bfloat16: the processor's own against the scalar ones.
#include "kernel/bf16.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "kernel/aligned_vector.h"

namespace flowmark {
namespace {

TEST(Bf16, RoundsToNearestTiesToEven) {
  EXPECT_EQ(from_bf16(to_bf16(1.0F)), 1.0F);
  EXPECT_EQ(from_bf16(to_bf16(256.0F)), 256.0F);
  EXPECT_EQ(from_bf16(to_bf16(257.0F)), 256.0F);  // half way: to the even one
  EXPECT_EQ(from_bf16(to_bf16(259.0F)), 260.0F);
  EXPECT_EQ(from_bf16(to_bf16(-3.0F)), -3.0F);
  EXPECT_EQ(to_bf16(0.0F), 0);
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 100);
  for (int i = 0; i < 10'000; ++i) {
    const float value = normal(random);
    EXPECT_NEAR(from_bf16(to_bf16(value)), value, std::abs(value) / 256);
  }
}

TEST(Bf16, EveryOutputHasAPlaceOfItsOwn) {
  std::set<size_t> places;
  for (size_t i = 0; i < 96; ++i) places.insert(bf16_row_place(i));
  EXPECT_EQ(places.size(), 96U);
  EXPECT_EQ(*places.rbegin(), 95U);
}

class Bf16Kernels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!available_kernels().front()->has_bf16()) {
      GTEST_SKIP() << "this processor has no AVX512_BF16";
    }
  }
  const Kernels& native() const { return *available_kernels().front(); }
  template <typename Array>
  void fill(Array& array) {
    for (float& value : array) value = normal_(random_);
  }
  static void expect_near(const AlignedVector<float>& got, const AlignedVector<float>& expected) {
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-4) << i;
  }
  std::mt19937 random_{2};
  std::normal_distribution<float> normal_{0, 1};
};

TEST_F(Bf16Kernels, AddCells) {
  for (const size_t columns : {1u, 15u, 16u, 17u, 33u, 40u, 48u, 64u, 81u}) {
    const size_t stride = (columns + kKernelPad - 1) / kKernelPad * kKernelPad;
    for (const size_t rows : {1u, 2u, 3u}) {
      for (const size_t channels : {1u, 2u, 9u, 10u, 16u, 17u, 40u}) {
        for (const size_t cells : {0u, 1u, 3u, 4u, 5u, 17u}) {
          const size_t value_stride = (channels + 3) / 4 * 4, map_stride = 3 * columns;
          const size_t pairs = (channels + 1) / 2;
          AlignedVector<float> values(cells * value_stride), map(rows * map_stride + 32);
          AlignedVector<Bf16Pair> weights(rows * pairs * stride);
          std::vector<uint32_t> to(cells);
          fill(values);
          fill(map);
          for (size_t i = 0; i < weights.size(); ++i) {
            if (i % stride >= columns) continue;
            const bool odd = 2 * (i / stride % pairs) + 1 < channels;
            weights[i] = {to_bf16(normal_(random_)), odd ? to_bf16(normal_(random_)) : uint16_t{0}};
          }
          for (uint32_t& at : to) at = static_cast<uint32_t>(random_() % (columns + 1));
          AlignedVector<float> expected = map;
          Bf16CellBatch batch{values.data(), to.data(),      cells,     value_stride,
                              channels,      weights.data(), stride,    rows,
                              columns,       map.data(),     map_stride};
          native().add_cells_bf16(batch);
          batch.map = expected.data();
          scalar_kernels().add_cells_bf16(batch);
          ASSERT_NO_FATAL_FAILURE(expect_near(map, expected))
              << columns << " columns, " << rows << " rows, " << channels << " channels, " << cells
              << " cells";
        }
      }
    }
  }
}

TEST_F(Bf16Kernels, AddRows) {
  for (const size_t n : {1u, 17u, 32u, 33u, 64u, 70u, 120u}) {
    const size_t stride = (n + kBf16RowPad - 1) / kBf16RowPad * kBf16RowPad;
    AlignedVector<uint16_t> rows(20 * stride, 0);
    for (size_t r = 0; r < 20; ++r) {
      for (size_t i = 0; i < n; ++i)
        rows[r * stride + bf16_row_place(i)] = to_bf16(normal_(random_));
    }
    for (const size_t count : {0u, 1u, 2u, 15u, 16u, 17u, 40u}) {
      std::vector<float> values(count);
      std::vector<uint32_t> indices(count);
      fill(values);
      for (uint32_t& index : indices) index = static_cast<uint32_t>(random_() % 20);
      AlignedVector<float> y(stride, 0.0F);
      std::fill_n(y.begin(), n, 0.5F);
      AlignedVector<float> expected = y;
      native().add_rows_bf16(y.data(), n, rows.data(), stride, indices.data(), values.data(),
                             count);
      scalar_kernels().add_rows_bf16(expected.data(), n, rows.data(), stride, indices.data(),
                                     values.data(), count);
      ASSERT_NO_FATAL_FAILURE(expect_near(y, expected)) << n << " outputs, " << count << " rows";
    }
  }
}

}  // namespace
}  // namespace flowmark
