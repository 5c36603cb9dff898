#pragma once

#include <chrono>
#include <string_view>

#include "actuator/stream_line.h"

namespace flowmark {

/// What an actuator does with the stream. The runner calls it, from one thread. Methods may throw
/// Error only where the program cannot go on at all.
class StreamHandler {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~StreamHandler() = default;

  /// A connection begins. Until end_snapshot() the lines tell which flows live.
  virtual void begin_snapshot() = 0;
  /// A line of kind mark or end; `text` is the line itself, valid during the call.
  virtual void take(const StreamLine& line, std::string_view text) = 0;
  /// All flows that live have been told.
  virtual void end_snapshot() = 0;
  /// After each batch of lines, after each signal, and when next_work() has come.
  virtual void work(Clock::time_point now) = 0;
  /// When work() is needed next although no line comes.
  virtual Clock::time_point next_work() const = 0;
  /// Whether everything is done that lines asked for.
  virtual bool is_idle() const { return true; }
};

}  // namespace flowmark
