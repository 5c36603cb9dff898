#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "actuator/counters.h"
#include "actuator/stream_line.h"

namespace flowmark {

/// Lines that wait for a command, at most one a flow: a newer line takes the place of the flow's
/// older one. Remembers which flows live, so that a new snapshot gives only what changed meanwhile.
/// One thread.
class LineQueue {
 public:
  /// Of more than `max_flows` flows the lines are left out, counted.
  LineQueue(size_t max_flows, ActuatorCounters& counters)
      : max_flows_(max_flows), counters_(counters) {}

  void begin_snapshot();
  void take(const StreamLine& line, std::string_view text);
  /// Flows that lived and are not in the snapshot get a line "end" with the reason "gone".
  void end_snapshot();

  bool empty() const noexcept { return lines_.empty(); }
  /// The oldest `most` lines, each with its line end.
  std::string pop(size_t most);

 private:
  struct Known {
    std::string class_name;
    std::optional<Dscp> dscp;
    bool in_snapshot = false;
  };
  struct Line {
    FlowTuple flow;
    std::string text;
  };

  void push(const FlowTuple& flow, std::string_view text);

  size_t max_flows_;
  ActuatorCounters& counters_;
  std::unordered_map<FlowTuple, Known> known_;
  std::list<Line> lines_;
  std::unordered_map<FlowTuple, std::list<Line>::iterator> places_;
};

/// The line of a flow that ended while nobody listened.
std::string gone_line(const FlowTuple& flow);

}  // namespace flowmark
