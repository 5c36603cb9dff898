#pragma once

#include <memory>

#include "kernel/kernels.h"
#include "model/compile/plan.h"
#include "model/engine/engine.h"
#include "model/onnx/load_budget.h"

namespace flowmark {

/// The engine for a plan, on the given kernels. `precision` is a wish: only convolutional networks
/// have another one, and only on kernels that have it (Engine::precision). Throws Error when the
/// plan is too much for the budget (the first form: the default one).
std::unique_ptr<const Engine> build_engine(const ModelPlan& plan, const Kernels& kernels,
                                           Precision precision = Precision::exact);
std::unique_ptr<const Engine> build_engine(const ModelPlan& plan, const Kernels& kernels,
                                           Precision precision, LoadBudget& budget);

}  // namespace flowmark
