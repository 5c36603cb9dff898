#include "model/engine/build_engine.h"

namespace flowmark {

const char* to_string(Precision precision) noexcept {
  return precision == Precision::bf16 ? "bf16" : "exact";
}

std::unique_ptr<const Engine> build_engine(const ModelPlan& plan, const Kernels& kernels,
                                           Precision precision) {
  if (const auto* forest = std::get_if<ForestPlan>(&plan)) {
    return make_forest_engine(*forest, kernels);
  }
  const auto& network = std::get<NetworkPlan>(plan);
  if (!network.convs.empty()) return make_cnn_engine(network, kernels, precision);
  return make_dense_engine(network, kernels);
}

}  // namespace flowmark
