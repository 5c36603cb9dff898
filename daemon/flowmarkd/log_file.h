#pragma once

#include <spdlog/sinks/base_sink.h>

#include <filesystem>
#include <mutex>

#include "daemon/flowmarkd/append_file.h"

namespace flowmark {

/// A log file, a write(2) a line, so that several may write there and another program may move it
/// away (logrotate). Any thread.
class LogFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// Makes the file, and its folder, where they are missing. Throws Error, as "log.file: ...".
  explicit LogFile(std::filesystem::path path);

  /// Opens the path anew. Throws Error when that fails, and goes on with the file it has.
  void reopen();
  /// Whether another file, or none, lies at the path by now.
  bool was_moved();

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

  AppendFile file_;
};

}  // namespace flowmark
