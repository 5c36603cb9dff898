#pragma once

#include <span>
#include <string>

#include "model/compile/plan.h"
#include "model/onnx/load_budget.h"
#include "model/onnx/onnx_file.h"

namespace flowmark {

/// What the graph has to fit: from flowmark.input and flowmark.classes.
struct GraphContract {
  uint32_t input_length = 0;
  uint32_t height = 0;  ///< of a picture (size bins); 0: the input is a plain vector
  uint32_t width = 0;   ///< of a picture (time bins)
  std::span<const std::string> classes;
  bool multilabel = false;
};

/// Checks a graph and compiles it, within the budget. Accepted operators and shapes:
/// docs/models.md. Throws Error that names the node and the reason.
ModelPlan compile_graph(const OnnxModel& model, const GraphContract& contract, LoadBudget& budget);

}  // namespace flowmark
