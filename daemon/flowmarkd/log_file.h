#pragma once

#include <spdlog/sinks/base_sink.h>

#include <filesystem>
#include <mutex>

namespace flowmark {

/// A log file that is only appended to, a write(2) a line, so that several may write there and
/// another program may move it away (logrotate). Any thread.
class LogFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// Makes the file, and its folder, where they are missing. Throws Error, as "log.file: ...".
  explicit LogFile(std::filesystem::path path);
  ~LogFile() override;
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  /// Opens the path anew. Throws Error when that fails, and goes on with the file it has.
  void reopen();
  /// Whether another file, or none, lies at the path by now.
  bool was_moved();

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

  const std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace flowmark
