#pragma once

#include <vector>

#include "classify/flow_event.h"

namespace flowmark {

/// Keeps every flow event it is told.
struct KeptNews final : FlowSink {
  std::vector<FlowEvent> all;
  bool has_room = true;
  void on_flow(const FlowEvent& event) noexcept override { all.push_back(event); }
  bool has_much_room() const noexcept override { return has_room; }

  std::vector<FlowEvent::Kind> kinds() const {
    std::vector<FlowEvent::Kind> out;
    for (const FlowEvent& event : all) out.push_back(event.kind);
    return out;
  }
};

}  // namespace flowmark
