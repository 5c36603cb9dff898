#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace flowmark {

/// Processes of one command, at most so many at a time, each for a bounded time. One thread.
class Children {
 public:
  using Clock = std::chrono::steady_clock;

  struct Ended {
    bool succeeded;      ///< status 0
    std::string reason;  ///< else: "ended with status 3", "was killed after 10 s", ...
  };

  /// `command`: the program, looked for in PATH, and its arguments; no shell reads them.
  Children(std::vector<std::string> command, size_t most, std::chrono::seconds timeout);
  /// Kills those that run, with what they started.
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  bool is_full() const noexcept { return children_.size() >= most_; }
  bool empty() const noexcept { return children_.empty(); }
  /// Starts the command with `input` on its standard input. Throws Error if it cannot be started.
  void start(const std::string& input, Clock::time_point now);
  /// Takes leave of those that have ended, and kills those whose time is over.
  std::vector<Ended> reap(Clock::time_point now);
  /// When reap() has to kill one; max(): never.
  Clock::time_point next_deadline() const;

 private:
  struct Child {
    pid_t pid;
    Clock::time_point deadline;
    bool killed = false;
  };

  std::vector<std::string> command_;
  size_t most_;
  std::chrono::seconds timeout_;
  std::vector<Child> children_;
};

}  // namespace flowmark
