#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "classify/flow_state.h"
#include "classify/model_set.h"
#include "feature/sparse_window.h"
#include "window/window_reader.h"

namespace flowmark {

/// A window plan that flows of a worker hold windows of.
struct HeldPlan {
  uint32_t epoch = 0;  ///< counts the worker's plans
  uint32_t flows = 0;
  std::shared_ptr<const WindowPlan> plan;
};

/// All memory that one worker needs for a model set. It is made on another thread, so that the
/// worker allocates and frees nothing when it takes the set over: each part of its classifier swaps
/// its own for what is here (Classifier::use_models). What the worker had before is here then, and
/// whoever made this frees it.
struct PreparedModels {
  /// nullptr, or a set without models: nothing is asked. The set must outlive its use. Throws what
  /// Engine::make_scratch() throws.
  explicit PreparedModels(const ModelSet* models);

  const ModelSet* set;                                  ///< what was given
  const ModelSet* models;                               ///< the same, but nullptr if it has none
  std::vector<std::unique_ptr<EngineScratch>> scratch;  ///< by slot
  SparseWindow window;                                  ///< with room for the longest
  WindowReader reader;
  StateLayout layout;
  std::list<HeldPlan> plans;  ///< the set's; afterwards those that no flow holds any more
  /// By slot, whose counters are in the worker's: the model's name and its classes in one text,
  /// which the worker compares in one go.
  std::vector<std::string> owners;
};

}  // namespace flowmark
