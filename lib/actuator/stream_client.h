#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace flowmark {

/// The reader's side of the Unix socket on which flowmarkd tells verdicts: connects, cuts what
/// comes into lines, and connects again when the daemon has gone. Never blocks. One thread.
class StreamClient {
 public:
  using Clock = std::chrono::steady_clock;
  using OnLine = std::function<void(std::string_view line)>;

  enum class State : uint8_t {
    connected,
    closed,   ///< just now: by the daemon, or because a line was too long
    waiting,  ///< for the time of the next attempt
  };

  /// Of one line, in bytes. A longer one ends the connection.
  static constexpr size_t kLongestLine = 64 * 1024;
  /// Between attempts to connect: the first, doubled up to the last.
  static constexpr std::chrono::milliseconds kFirstPause{100}, kLastPause{5000};

  /// Throws Error if the path is too long for a socket. Does not connect yet.
  explicit StreamClient(std::filesystem::path path);
  ~StreamClient();
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  /// Readable when pump() has something to read; -1 while there is no connection.
  int descriptor() const noexcept { return descriptor_; }
  /// Connects if it is time, reads at most a bufferful, and calls `on_line` for each whole line.
  State pump(Clock::time_point now, const OnLine& on_line);
  /// When to call pump() although nothing is readable: the next attempt to connect.
  Clock::time_point next_attempt() const noexcept { return next_attempt_; }
  /// Ends the connection. The next one begins at `when`, with a new snapshot.
  void reconnect(Clock::time_point when);
  /// Why there is no connection; empty while there is one.
  const std::string& reason() const noexcept { return reason_; }

 private:
  bool connect_now();
  void close_now(std::string reason);
  void back_off(Clock::time_point now);
  void cut_lines(const OnLine& on_line);

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::string buffer_;  ///< what came and is no whole line yet
  std::string reason_ = "not connected yet";
  Clock::time_point next_attempt_{};
  std::chrono::milliseconds pause_ = kFirstPause;
};

}  // namespace flowmark
