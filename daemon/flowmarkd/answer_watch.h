#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>

#include "classify/model_set.h"

namespace flowmark {

/// Says in the log, once for each model file, that a model answers with NaN or infinity. Such
/// answers are no verdicts (ModelCounters::not_finite). Control thread only.
class AnswerWatch {
 public:
  /// Of all workers together, by slot.
  using Counts = std::array<uint64_t, kMaxModels>;

  /// `settled`: all workers run this set, so that what was counted since the last look is of its
  /// models. Returns how many lines were logged.
  size_t look(const ModelSet& running, bool settled, const Counts& counts);

 private:
  Counts seen_{};
  std::set<std::string> told_;  ///< SHA-256
};

}  // namespace flowmark
