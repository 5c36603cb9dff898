#pragma once

#include <string>
#include <vector>

#include "model/engine/engine.h"
#include "model/onnx/load_budget.h"
#include "model/onnx/model_metadata.h"

namespace flowmark {

/// Runs the golden windows of a model file on the engine that the workers will use. Throws Error
/// naming the window, the class and both answers if one comes out differently, or if
/// the windows take more work than the budget has.
void run_golden(const GoldenWindows& golden, const Engine& engine,
                const std::vector<std::string>& classes, LoadBudget& budget);

/// Asks a model about windows that any network may send: an empty one, one of single packets and
/// one of the largest value everywhere (Feature::largest_value), each over many places of the
/// input. Throws Error if a score is not finite: weights can be finite and their sums not. The
/// places are a sample where the input is large.
void try_windows(const Engine& engine, float largest_value, const std::vector<std::string>& classes,
                 LoadBudget& budget);

}  // namespace flowmark
