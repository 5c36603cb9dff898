#include "model/engine/cnn/conv_cost.h"

#include <fmt/format.h>

#include "kernel/kernels.h"
#include "model/engine/cnn/conv_pool.h"

namespace flowmark {
namespace {

constexpr double kFloat = sizeof(float);
constexpr double kPhaseBytes = 160;  // the lists of a phase besides what is in them

/// Of the weights laid out by phase, where rows are padded.
double laid_out_floats(const ConvLayer& layer) {
  const double reach_y = (layer.kernel_h - 1) / layer.stride_h + 1;
  const double reach_x = (layer.kernel_w - 1) / layer.stride_w + 1;
  return 1.0 * layer.stride_h * layer.stride_w * layer.in_channels * reach_y *
         (reach_x * (layer.filters + kKernelPad) + kKernelPad);
}

/// A band of the first convolution's map.
double band_bytes(const ConvLayer& layer) {
  const double columns = 1.0 * layer.out_w + layer.kernel_w;
  return kFloat * layer.pool.kernel_h * columns * (layer.filters + kKernelPad) + 16.0 * layer.in_w;
}

/// Cells and map of a later convolution.
double map_bytes(const ConvLayer& layer) {
  const double cells = 1.0 * layer.in_h * layer.in_w;
  const double rows = 1.0 * layer.out_h + layer.kernel_h;
  const double columns = 1.0 * layer.out_w + layer.kernel_w;
  return kFloat * (cells * (layer.in_channels + 5.0) + rows * columns * layer.filters);
}

double pool_bytes(const ConvLayer& layer) {
  const double cells = 1.0 * layer.pool.kernel_h * layer.pool.kernel_w;
  return 2 * sizeof(void*) * cells + kFloat * ConvPool::kChunk * (layer.filters + kKernelPad);
}

}  // namespace

void reserve_conv(const ConvLayer& layer, bool first, Precision precision, LoadBudget& budget) {
  const std::string place =
      fmt::format("the convolution of {} filters {} x {} over {} x {}", layer.filters,
                  layer.kernel_h, layer.kernel_w, layer.in_h, layer.in_w);
  const double phases = 1.0 * layer.stride_h * layer.stride_w;
  const double floats = laid_out_floats(layer);
  budget.reserve(floats * kFloat * (precision == Precision::bf16 ? 1.5 : 1) + phases * kPhaseBytes,
                 place);
  budget.reserve_scratch(
      (first ? band_bytes(layer) : map_bytes(layer)) + pool_bytes(layer) + phases * kPhaseBytes,
      place);
  // Each phase looks through all rows and columns for its own.
  budget.spend(floats + phases * (1.0 * layer.in_h + layer.in_w), place);
  // A window's pooling is one step of the engine, which nothing interrupts.
  budget.spend(1.0 * ConvPool::kChunk * layer.pool.kernel_h * layer.pool.kernel_w * layer.filters,
               place);
}

}  // namespace flowmark
