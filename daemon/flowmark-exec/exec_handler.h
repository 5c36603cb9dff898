#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "actuator/messages.h"
#include "actuator/stream_handler.h"
#include "daemon/flowmark-exec/children.h"
#include "daemon/flowmark-exec/line_queue.h"

namespace flowmark {

struct ExecOptions {
  std::vector<std::string> command;
  unsigned rate = 10;       ///< commands a second, in the long run
  size_t max_children = 4;  ///< commands at a time
  unsigned timeout_s = 10;  ///< of a command
  size_t lines = 1;         ///< of one command's input, at most
};

/// Runs a command for lines of the stream. A flow whose mark changes faster than commands may run
/// is told with its newest line. One thread.
class ExecHandler final : public StreamHandler {
 public:
  ExecHandler(const ExecOptions& options, size_t max_flows, ActuatorCounters& counters,
              Messages& messages);

  void begin_snapshot() override { queue_.begin_snapshot(); }
  void take(const StreamLine& line, std::string_view text) override { queue_.take(line, text); }
  void end_snapshot() override { queue_.end_snapshot(); }
  void work(Clock::time_point now) override;
  Clock::time_point next_work() const override;
  bool is_idle() const override { return queue_.empty() && children_.empty(); }

 private:
  void reap(Clock::time_point now);
  void start(Clock::time_point now);

  size_t lines_;
  Clock::duration pause_;  ///< between commands, at the rate
  Clock::duration burst_;  ///< how far commands may run ahead of the rate: those of a second
  ActuatorCounters& counters_;
  Messages& messages_;
  LineQueue queue_;
  Children children_;
  Clock::time_point next_start_{};  ///< at the rate, without the burst
};

}  // namespace flowmark
