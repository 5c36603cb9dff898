#pragma once

#include <memory>

#include "kernel/kernels.h"
#include "model/compile/plan.h"
#include "model/engine/engine.h"
#include "model/onnx/load_budget.h"

namespace flowmark {

/// Runs decision trees. Null for any other plan.
std::unique_ptr<const Engine> make_forest_engine(const ModelPlan& plan, const Kernels& kernels,
                                                 Precision precision, LoadBudget& budget);

}  // namespace flowmark
