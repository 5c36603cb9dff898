#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace flowmark {

/// Messages of an actuator on standard error, "PROGRAM: MESSAGE". One thread.
class Messages {
 public:
  using Clock = std::chrono::steady_clock;

  /// Between two messages about the same.
  static constexpr std::chrono::seconds kPause{10};

  explicit Messages(std::string program) : program_(std::move(program)) {}

  void say(const std::string& message) const;
  /// At most one message a kind and pause; the next one says how many there were in between.
  void say_rarely(const std::string& kind, const std::string& message);

  const std::string& program() const noexcept { return program_; }

 private:
  struct Kind {
    Clock::time_point said;
    uint64_t left_out = 0;
  };

  std::string program_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace flowmark
