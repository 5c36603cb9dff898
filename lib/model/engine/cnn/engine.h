#pragma once

#include <memory>

#include "kernel/kernels.h"
#include "model/compile/plan.h"
#include "model/engine/engine.h"
#include "model/onnx/load_budget.h"

namespace flowmark {

/// Runs a network that begins with convolutions, on sparse pictures. Throws Error when it is
/// too much for the budget. Null for any other plan.
std::unique_ptr<const Engine> make_cnn_engine(const ModelPlan& plan, const Kernels& kernels,
                                              Precision precision, LoadBudget& budget);

}  // namespace flowmark
