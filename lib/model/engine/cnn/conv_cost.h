#pragma once

#include "model/compile/plan.h"
#include "model/engine/engine.h"
#include "model/onnx/load_budget.h"

namespace flowmark {

/// Reserves what the engine takes for a convolution: weights laid out by phase, and the state of
/// every inference at once. `first`: it reads pixels and has a band instead of a whole map. Throws
/// Error.
void reserve_conv(const ConvLayer& layer, bool first, Precision precision, LoadBudget& budget);

}  // namespace flowmark
