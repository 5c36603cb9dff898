// The kernels with weights and values of bfloat16. Highway's targets of this Debian do not include
// the instructions, so that they are called by name here.
#include "kernel/bf16.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace flowmark {

void add_cells_bf16_scalar(const Bf16CellBatch& batch) noexcept {
  const size_t pairs = (batch.channels + 1) / 2;
  for (size_t cell = 0; cell < batch.cells; ++cell) {
    const float* values = batch.values + cell * batch.value_stride;
    for (size_t row = 0; row < batch.rows; ++row) {
      float* to = batch.map + batch.to[cell] + row * batch.map_stride;
      const Bf16Pair* weights = batch.weights + row * pairs * batch.weight_stride;
      for (size_t i = 0; i < batch.columns; ++i) {
        float sum = 0;
        for (size_t c = 0; c < batch.channels; ++c) {
          const Bf16Pair& pair = weights[c / 2 * batch.weight_stride + i];
          sum += from_bf16(to_bf16(values[c])) * from_bf16(c % 2 == 0 ? pair.even : pair.odd);
        }
        to[i] += sum;
      }
    }
  }
}

void add_rows_bf16_scalar(float* y, size_t n, const uint16_t* rows, size_t stride,
                          const uint32_t* indices, const float* values, size_t count) noexcept {
  for (size_t k = 0; k < count; ++k) {
    const uint16_t* row = rows + indices[k] * stride;
    const float value = from_bf16(to_bf16(values[k]));
    for (size_t i = 0; i < n; ++i) y[i] += value * from_bf16(row[bf16_row_place(i)]);
  }
}

#if defined(__x86_64__)
namespace {

#define FLOWMARK_BF16 \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16"), always_inline)) inline
#define FLOWMARK_BF16_ENTRY __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

constexpr size_t kLanes = 16;
constexpr __mmask8 kAll = 0xff;  ///< GCC warns of its own header without a mask
constexpr size_t kChunk = 16;    ///< channels, or rows, converted at once

/// Up to 16 floats as 8 pairs.
FLOWMARK_BF16 void convert(const float* from, size_t count, uint32_t* pairs) noexcept {
  const auto mask = static_cast<__mmask16>(count >= kChunk ? 0xffff : (1u << count) - 1);
  const __m256bh converted = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(pairs), reinterpret_cast<__m256i>(converted));
}

FLOWMARK_BF16 __m512 dot(__m512 sum, uint32_t value_pair, __m512i weights) noexcept {
  return _mm512_dpbf16_ps(
      sum, reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(value_pair))),
      reinterpret_cast<__m512bh>(weights));
}

FLOWMARK_BF16 void add_to(float* to, __m512 sum) noexcept {
  _mm512_storeu_ps(to, _mm512_add_ps(sum, _mm512_loadu_ps(to)));
}

FLOWMARK_BF16 void add_half_to(float* to, __m256 sum) noexcept {
  _mm256_storeu_ps(to, _mm256_add_ps(sum, _mm256_loadu_ps(to)));
}

/// M cells, `apart` from each other (as add_cells has them), by W vectors. Two rows of two and a
/// half vectors each share the middle one.
template <size_t M, size_t W, bool kPaired>
FLOWMARK_BF16 void add_tile(const Bf16CellBatch& batch, size_t cell, size_t apart, size_t row,
                            size_t column) noexcept {
  const size_t pairs = (batch.channels + 1) / 2;
  const Bf16Pair* above = batch.weights + row * pairs * batch.weight_stride + column;
  const Bf16Pair* below = above + pairs * batch.weight_stride;
  __m512 sum[M][W];
#pragma GCC unroll 16
  for (size_t m = 0; m < M; ++m) {
#pragma GCC unroll 16
    for (size_t w = 0; w < W; ++w) sum[m][w] = _mm512_setzero_ps();
  }
  for (size_t first = 0; first < batch.channels; first += kChunk) {
    uint32_t values[M][kChunk / 2];
    const size_t channels = std::min(kChunk, batch.channels - first);
#pragma GCC unroll 16
    for (size_t m = 0; m < M; ++m) {
      convert(batch.values + (cell + m * apart) * batch.value_stride + first, channels, values[m]);
    }
    for (size_t p = 0; p < (channels + 1) / 2; ++p) {
      __m512i weight[W];
      if constexpr (kPaired) {
        weight[0] = _mm512_loadu_si512(above);
        weight[1] = _mm512_loadu_si512(above + kLanes);
        weight[2] = _mm512_maskz_inserti64x4(
            kAll,
            _mm512_castsi256_si512(
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(above + 2 * kLanes))),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(below)), 1);
        weight[3] = _mm512_loadu_si512(below + kLanes / 2);
        weight[4] = _mm512_loadu_si512(below + kLanes / 2 + kLanes);
      } else {
#pragma GCC unroll 16
        for (size_t w = 0; w < W; ++w) weight[w] = _mm512_loadu_si512(above + w * kLanes);
      }
      above += batch.weight_stride;
      below += batch.weight_stride;
#pragma GCC unroll 16
      for (size_t m = 0; m < M; ++m) {
#pragma GCC unroll 16
        for (size_t w = 0; w < W; ++w) sum[m][w] = dot(sum[m][w], values[m][p], weight[w]);
      }
    }
  }
#pragma GCC unroll 16
  for (size_t m = 0; m < M; ++m) {
    float* to = batch.map + batch.to[cell + m * apart] + row * batch.map_stride + column;
    if constexpr (kPaired) {
      float* next = to + batch.map_stride;
      add_to(to, sum[m][0]);
      add_to(to + kLanes, sum[m][1]);
      add_half_to(to + 2 * kLanes, _mm512_maskz_extractf32x8_ps(kAll, sum[m][2], 0));
      add_half_to(next, _mm512_maskz_extractf32x8_ps(kAll, sum[m][2], 1));
      add_to(next + kLanes / 2, sum[m][3]);
      add_to(next + kLanes / 2 + kLanes, sum[m][4]);
    } else {
#pragma GCC unroll 16
      for (size_t w = 0; w < W; ++w) add_to(to + w * kLanes, sum[m][w]);
    }
  }
}

template <size_t M>
FLOWMARK_BF16 void add_block(const Bf16CellBatch& batch, size_t cell, size_t apart) noexcept {
  if (batch.rows == 2 && 2 * batch.columns == 5 * kLanes) {
    return add_tile<M, 5, true>(batch, cell, apart, 0, 0);
  }
  for (size_t row = 0; row < batch.rows; ++row) {
    size_t column = 0;
    for (; column + 3 * kLanes < batch.columns; column += 4 * kLanes) {
      add_tile<M, 4, false>(batch, cell, apart, row, column);
    }
    for (; column + kLanes < batch.columns; column += 2 * kLanes) {
      add_tile<M, 2, false>(batch, cell, apart, row, column);
    }
    if (column < batch.columns) add_tile<M, 1, false>(batch, cell, apart, row, column);
  }
}

FLOWMARK_BF16_ENTRY void add_cells_bf16(const Bf16CellBatch& batch) noexcept {
  constexpr size_t kBlock = 4;
  const size_t apart = batch.cells / kBlock;
  for (size_t cell = 0; cell < apart; ++cell) add_block<kBlock>(batch, cell, apart);
  for (size_t cell = apart * kBlock; cell < batch.cells; ++cell) add_block<1>(batch, cell, 0);
}

/// B blocks of 32 outputs over up to 16 rows, two rows at a time.
template <size_t B>
FLOWMARK_BF16 void add_row_pairs(float* y, const uint16_t* rows, size_t stride,
                                 const uint32_t* indices, const uint32_t* values,
                                 size_t count) noexcept {
  __m512 sum[2 * B];
#pragma GCC unroll 16
  for (size_t i = 0; i < 2 * B; ++i) sum[i] = _mm512_loadu_ps(y + i * kLanes);
  for (size_t k = 0; k < count; k += 2) {
    const uint16_t* even = rows + indices[k] * stride;
    // The value beside the last of an odd number is 0.
    const uint16_t* odd = rows + indices[k + 1 < count ? k + 1 : k] * stride;
#pragma GCC unroll 16
    for (size_t b = 0; b < B; ++b) {
      const __m512i one = _mm512_loadu_si512(even + b * kBf16RowPad);
      const __m512i other = _mm512_loadu_si512(odd + b * kBf16RowPad);
      sum[2 * b] = dot(sum[2 * b], values[k / 2], _mm512_unpacklo_epi16(one, other));
      sum[2 * b + 1] = dot(sum[2 * b + 1], values[k / 2], _mm512_unpackhi_epi16(one, other));
    }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < 2 * B; ++i) _mm512_storeu_ps(y + i * kLanes, sum[i]);
}

FLOWMARK_BF16_ENTRY void add_rows_bf16(float* y, size_t n, const uint16_t* rows, size_t stride,
                                       const uint32_t* indices, const float* values,
                                       size_t count) noexcept {
  for (size_t first = 0; first < count; first += kChunk) {
    const size_t taken = std::min(kChunk, count - first);
    uint32_t pairs[kChunk / 2];
    convert(values + first, taken, pairs);
    size_t i = 0;
    for (; i + kBf16RowPad < n; i += 2 * kBf16RowPad) {
      add_row_pairs<2>(y + i, rows + i, stride, indices + first, pairs, taken);
    }
    if (i < n) add_row_pairs<1>(y + i, rows + i, stride, indices + first, pairs, taken);
  }
}

}  // namespace

void add_native_bf16(Kernels& kernels) noexcept {
  if (__builtin_cpu_supports("avx512bf16") == 0) return;
  kernels.add_cells_bf16 = add_cells_bf16;
  kernels.add_rows_bf16 = add_rows_bf16;
}

#else

void add_native_bf16(Kernels& /*kernels*/) noexcept {}

#endif

}  // namespace flowmark
