#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "feature/sparse_window.h"
#include "model/engine/cnn/conv_pool.h"

namespace flowmark {

/// The first convolution: pixels in, pooled cells out. Works through the picture in bands, one row
/// of pooling windows each, so that the map in use stays in the first-level cache however large the
/// picture is.
class PixelConv {
 public:
  struct State {
    AlignedVector<float> band;
    std::vector<ScaledRun> runs;   ///< of the band; kept to clear what they wrote
    std::vector<ScaledRun> taps;   ///< map row and kernel row for the picture row under way
    std::vector<uint64_t> active;  ///< pooling windows of the band, by column
    ConvPool::State pool;
    size_t run_count = 0;
    size_t tap_count = 0;
    size_t next = 0;       ///< pixel
    size_t following = 0;  ///< first pixel that the next band sees too
    uint32_t band_row = 0;
    uint32_t row_begin = 0;  ///< pixel indices of the picture row under way
    uint32_t row_end = 0;
    bool in_band = false;
    bool scattered = false;
    bool clear_all = false;
  };

  PixelConv(const ConvLayer& layer, ConvGeometry geometry, const Kernels& kernels);
  PixelConv(const PixelConv&) = delete;
  PixelConv& operator=(const PixelConv&) = delete;

  State make_state() const;
  void start(State& state) const noexcept;

  /// Works until a batch of cells is ready (returned, count > 0), the work is used up (count 0), or
  /// all pixels are through (count 0 and finished()).
  CellRow step(State& state, std::span<const SparseValue> window, int64_t& work) const noexcept;
  static bool finished(const State& state, std::span<const SparseValue> window) noexcept {
    return !state.in_band && state.next == window.size();
  }

  const ConvGeometry& geometry() const noexcept { return geometry_; }

 private:
  struct Column {
    uint32_t to = 0;    ///< float in a map row
    uint32_t from = 0;  ///< float in a kernel row
    uint32_t pool_begin = 0;
    uint32_t pool_end = 0;
  };
  static constexpr size_t kPixelChunk = 64;
  static constexpr size_t kKeptRuns = 1024;

  bool enter_band(State& state, std::span<const SparseValue> window) const noexcept;
  void scatter(State& state, std::span<const SparseValue> window, int64_t& work) const noexcept;
  void enter_row(State& state, uint32_t row) const noexcept;
  void leave_band(State& state) const noexcept;

  ConvGeometry geometry_;
  const Kernels& kernels_;
  size_t cell_stride_;  ///< floats from one cell of the map to the next
  ConvPool pool_;
  uint32_t in_w_;
  size_t run_;         ///< floats that a pixel reaches in a map row
  size_t map_stride_;  ///< floats of a map row
  size_t band_rows_;
  size_t kernel_row_;  ///< floats of all phases of one kernel row
  std::vector<Column> columns_;
  AlignedVector<float> weights_;  ///< [ky][phase of x][run, padded]
};

}  // namespace flowmark
