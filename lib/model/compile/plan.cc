#include "model/compile/plan.h"

#include "base/error.h"

namespace flowmark {
namespace {

uint32_t positions(uint32_t size, uint32_t kernel, uint32_t stride, const char* what) {
  if (kernel == 0 || stride == 0 || kernel > size) {
    fail("a {} of {} with stride {} does not fit {} rows or columns", what, kernel, stride, size);
  }
  return (size - kernel) / stride + 1;
}

}  // namespace

void derive_output_shape(ConvLayer& layer) {
  layer.out_h = positions(layer.in_h + layer.pad_top + layer.pad_bottom, layer.kernel_h,
                          layer.stride_h, "kernel");
  layer.out_w = positions(layer.in_w + layer.pad_left + layer.pad_right, layer.kernel_w,
                          layer.stride_w, "kernel");
  PoolShape& pool = layer.pool;
  pool.out_h = positions(layer.out_h + pool.pad_top, pool.kernel_h, pool.stride_h, "pooling");
  pool.out_w = positions(layer.out_w + pool.pad_left, pool.kernel_w, pool.stride_w, "pooling");
}

uint64_t parameter_count(const ModelPlan& plan) noexcept {
  if (const auto* forest = std::get_if<ForestPlan>(&plan)) {
    return forest->nodes.size() + forest->leaves.size();
  }
  uint64_t count = 0;
  const auto& network = std::get<NetworkPlan>(plan);
  for (const ConvLayer& layer : network.convs) count += layer.weights.size() + layer.bias.size();
  for (const DenseLayer& layer : network.dense) count += layer.weights.size() + layer.bias.size();
  return count;
}

}  // namespace flowmark
