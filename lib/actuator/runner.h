#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>

#include "actuator/counters.h"
#include "actuator/messages.h"
#include "actuator/stream_client.h"
#include "actuator/stream_handler.h"

namespace flowmark {

/// What all actuators are told on their command lines.
struct ActuatorOptions {
  std::filesystem::path socket = "/run/flowmark/verdicts.sock";
  std::filesystem::path metrics;  ///< empty: no file
  size_t max_flows = 1'000'000;
  unsigned reconcile_seconds = 60;
  bool towards_lan = false;  ///< where the marks of both directions differ
  bool once = false;         ///< end with the connection instead of connecting again
};

/// An actuator's loop: reads the stream, hands its lines to the handler, answers signals, and
/// writes the metrics. One thread.
class Runner {
 public:
  using Clock = std::chrono::steady_clock;

  /// Blocks the signals that it waits for: TERM, INT, HUP, CHLD. Throws Error.
  Runner(const ActuatorOptions& options, StreamHandler& handler, ActuatorCounters& counters,
         Messages& messages);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Until TERM or INT, or with `once` until the connection has ended and its
  /// lines are worked off. Throws Error if, with `once`,
  /// there is no connection.
  void run();

 private:
  void wait(Clock::time_point now);
  void read_signals();
  void read_stream(Clock::time_point now);
  void take(std::string_view text);
  void take(const StreamLine& line, std::string_view text);
  void ask_again(Clock::time_point now);
  void publish(Clock::time_point now);

  const ActuatorOptions& options_;
  StreamHandler& handler_;
  ActuatorCounters& counters_;
  Messages& messages_;
  StreamClient client_;
  int signals_ = -1;
  bool stops_ = false;
  bool ended_ = false;           ///< with `once`: the connection has ended
  bool greeted_ = false;         ///< this connection said hello
  bool was_connected_ = false;   ///< at least once
  bool wants_snapshot_ = false;  ///< lines were lost, or HUP came
  Clock::time_point next_snapshot_{};
  Clock::time_point next_metrics_{};
};

}  // namespace flowmark
