#include "model/build_engine.h"

namespace flowmark {

std::unique_ptr<const Engine> build_engine(const ModelPlan& plan, const Kernels& kernels) {
  if (const auto* forest = std::get_if<ForestPlan>(&plan)) {
    return make_forest_engine(*forest, kernels);
  }
  const auto& network = std::get<NetworkPlan>(plan);
  if (!network.convs.empty()) return make_cnn_engine(network, kernels);
  return make_dense_engine(network, kernels);
}

}  // namespace flowmark
