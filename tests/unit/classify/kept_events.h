#pragma once

#include <vector>

#include "classify/classifier.h"

namespace flowmark {

/// Keeps every event that the classifier gives.
struct KeptEvents final : VerdictSink {
  std::vector<VerdictEvent> all;
  void on_verdict(const VerdictEvent& event) noexcept override { all.push_back(event); }
};

}  // namespace flowmark
