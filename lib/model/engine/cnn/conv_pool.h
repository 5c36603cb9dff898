#pragma once

#include <cstdint>
#include <vector>

#include "kernel/aligned_vector.h"
#include "kernel/kernels.h"
#include "model/compile/conv_geometry.h"

namespace flowmark {

/// Pooled cells of one row with their deviations from the background.
struct CellRow {
  uint32_t row = 0;
  size_t count = 0;
  const uint32_t* columns = nullptr;
  const uint8_t* changed = nullptr;  ///< 0: no deviation, the cell can be left out
  const float* deviations = nullptr;
  size_t stride = 0;  ///< floats per cell, padded
};

/// Sets bits [begin, end) of a bit set; nothing if the range is empty.
inline void set_bits(uint64_t* bits, uint32_t begin, uint32_t end) noexcept {
  if (begin >= end) return;
  const uint32_t last = (end - 1) / 64;
  uint64_t mask = ~uint64_t{0} << (begin % 64);
  for (uint32_t word = begin / 64; word < last; ++word) {
    bits[word] |= mask;
    mask = ~uint64_t{0};
  }
  bits[last] |= mask & (~uint64_t{0} >> (63 - (end - 1) % 64));
}

/// Max pooling of the windows that something reached.
class ConvPool {
 public:
  static constexpr size_t kChunk = 32;

  struct State {
    std::vector<uint32_t> columns;  ///< windows of the row under way
    size_t count = 0;
    size_t next = 0;
    AlignedVector<float> deviations;
    std::vector<uint8_t> changed;
    std::vector<uint32_t> at;
    std::vector<const float*> map_cells, base_cells;
  };

  /// `cell_stride`: floats from one cell of the map to the next, at least the filters.
  ConvPool(const ConvLayer& layer, const ConvGeometry& geometry, size_t cell_stride,
           const Kernels& kernels);
  State make_state() const;

  /// Takes the windows of a row from a bit set of columns, which is cleared.
  void start_row(State& state, uint64_t* active) const noexcept;
  /// Words of such a bit set.
  size_t active_words() const noexcept { return (geometry_.x.windows.size() + 63) / 64; }
  static bool done(const State& state) noexcept { return state.next == state.count; }

  /// Pools at most kChunk windows. `origin`: the map's place of column 0 in the row's first output
  /// row. The result is valid until the next call.
  CellRow run(State& state, uint32_t row, const float* origin, size_t map_stride) const noexcept;

  /// Units of work of one window.
  uint32_t cost() const noexcept { return cost_; }

 private:
  void run_mixed(State& state, uint32_t row, uint32_t column, const float* origin,
                 size_t map_stride, size_t slot) const noexcept;

  const ConvGeometry& geometry_;
  const Kernels& kernels_;
  PoolShape shape_;
  size_t filters_;
  size_t cell_stride_;
  size_t stride_;
  bool relu_;
  uint32_t cost_;
};

}  // namespace flowmark
