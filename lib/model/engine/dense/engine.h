#pragma once

#include <memory>

#include "kernel/kernels.h"
#include "model/compile/plan.h"
#include "model/engine/engine.h"
#include "model/onnx/load_budget.h"

namespace flowmark {

/// Runs a network of dense layers alone: linear and quadratic models, perceptrons. Null for any
/// other plan.
std::unique_ptr<const Engine> make_dense_engine(const ModelPlan& plan, const Kernels& kernels,
                                                Precision precision, LoadBudget& budget);

}  // namespace flowmark
