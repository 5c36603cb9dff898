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

}  // namespace flowmark
