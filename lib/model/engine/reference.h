#pragma once

#include <span>
#include <vector>

#include "feature/sparse_window.h"
#include "model/compile/plan.h"

namespace flowmark {

/// The specification of inference: the window made dense, every layer evaluated element by element
/// in double precision. Slow; engines are tested against it.
std::vector<double> reference_probabilities(const ModelPlan& plan,
                                            std::span<const SparseValue> window);

}  // namespace flowmark
