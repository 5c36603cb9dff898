#include "model/build_engine.h"

#include "base/error.h"

namespace flowmark {

std::unique_ptr<const Engine> build_engine(const ModelPlan& plan, const Kernels& kernels) {
  if (std::holds_alternative<ForestPlan>(plan)) {
    fail("forests are not supported yet");
  }
  const auto& network = std::get<NetworkPlan>(plan);
  if (!network.convs.empty()) return make_cnn_engine(network, kernels);
  return make_dense_engine(network, kernels);
}

}  // namespace flowmark
