#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernel/kernels.h"

namespace flowmark {

/// bfloat16: the upper half of a float, 8 bits of precision. Finite values only: rounded to
/// nearest, ties to even.
constexpr uint16_t to_bf16(float value) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

constexpr float from_bf16(uint16_t value) noexcept {
  return std::bit_cast<float>(uint32_t{value} << 16);
}

/// Place of an output in a row for Kernels::add_rows_bf16: blocks of 32 whose halves alternate by
/// four, so that interleaving two rows, as the processor does it, puts them in order.
constexpr size_t bf16_row_place(size_t output) noexcept {
  const size_t in_block = output % 32, in_half = in_block % 16;
  return output - in_block + in_half / 4 * 8 + in_half % 4 + (in_block < 16 ? 0 : 4);
}

/// Rows for add_rows_bf16 are padded to a multiple of so many values.
inline constexpr size_t kBf16RowPad = 32;

/// The specification of the two.
void add_cells_bf16_scalar(const Bf16CellBatch& batch) noexcept;
void add_rows_bf16_scalar(float* y, size_t n, const uint16_t* rows, size_t stride,
                          const uint32_t* indices, const float* values, size_t count) noexcept;

/// Fills in the two where this processor has AVX512_BF16.
void add_native_bf16(Kernels& kernels) noexcept;

}  // namespace flowmark
