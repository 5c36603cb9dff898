#pragma once

#include <memory>

#include "kernel/kernels.h"
#include "model/compile/plan.h"
#include "model/engine/engine.h"

namespace flowmark {

/// The engine for a plan, on the given kernels. `precision` is a wish: only convolutional networks
/// have another one, and only on kernels that have it (Engine::precision). Throws Error when the
/// plan needs more memory than an engine may take.
std::unique_ptr<const Engine> build_engine(const ModelPlan& plan, const Kernels& kernels,
                                           Precision precision = Precision::exact);

std::unique_ptr<const Engine> make_dense_engine(const NetworkPlan& plan, const Kernels& kernels);
std::unique_ptr<const Engine> make_cnn_engine(const NetworkPlan& plan, const Kernels& kernels,
                                              Precision precision);
std::unique_ptr<const Engine> make_forest_engine(const ForestPlan& plan, const Kernels& kernels);

}  // namespace flowmark
