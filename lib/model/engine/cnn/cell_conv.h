#pragma once

#include <cstdint>
#include <vector>

#include "model/engine/cnn/conv_pool.h"
#include "model/engine/engine.h"

namespace flowmark {

/// A later convolution: cells with their deviations from the background in, pooled cells out. By
/// linearity its answer is the one to the background, known beforehand, plus the one to the
/// deviations. Cells of one phase (position modulo the stride) use the same weights and are handled
/// together, so that these stay in the first-level cache.
class CellConv {
 public:
  struct State {
    struct Bucket {
      AlignedVector<float> values;  ///< [cell][channels, padded to 4]
      std::vector<uint32_t> to;     ///< [cell]
      size_t count = 0;
    };
    std::vector<Bucket> buckets;  ///< one per phase
    AlignedVector<float> map;
    std::vector<uint8_t> dirty;    ///< map rows
    std::vector<uint64_t> active;  ///< [pooled row][word]
    std::vector<uint8_t> active_rows;
    ConvPool::State pool;
    size_t bucket = 0;
    size_t next = 0;   ///< cell of the bucket
    uint32_t row = 0;  ///< pooled row
    size_t clear_row = 0;
    bool in_row = false;
    bool clean = true;  ///< nothing was accepted since the last end
  };

  CellConv(const ConvLayer& layer, ConvGeometry geometry, const Kernels& kernels,
           Precision precision);
  CellConv(const CellConv&) = delete;
  CellConv& operator=(const CellConv&) = delete;

  State make_state() const;
  void start(State& state) const noexcept;

  /// Takes cells of the layer before. Returns the work done.
  uint32_t accept(State& state, const CellRow& cells) const noexcept;

  /// After the last accept; as PixelConv::step.
  CellRow step(State& state, int64_t& work) const noexcept;
  bool finished(const State& state) const noexcept { return state.clear_row == state.dirty.size(); }

  const ConvGeometry& geometry() const noexcept { return geometry_; }

 private:
  void add_cells(State& state, int64_t& work) const noexcept;
  template <typename Weight>
  BasicCellBatch<Weight> batch_of(State& state, const Weight* weights) const noexcept;
  void clear(State& state) const noexcept;

  ConvGeometry geometry_;
  const Kernels& kernels_;
  ConvPool pool_;
  size_t channels_;
  size_t value_stride_;
  size_t filters_;
  size_t columns_;        ///< floats that a cell reaches in a map row
  size_t weight_stride_;  ///< the same, padded
  size_t map_stride_;
  size_t cell_cost_;   ///< units
  size_t cell_chunk_;  ///< cells per kernel call: fixed, so that results do not depend on slicing
  std::vector<AlignedVector<float>> weights_;  ///< [phase][row][channel][weight_stride]
  std::vector<AlignedVector<Bf16Pair>>
      bf16_weights_;  ///< instead: [phase][row][pair][weight_stride]
};

}  // namespace flowmark
