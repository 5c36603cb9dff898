#include "daemon/flowmarkd/logging.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "base/error.h"

namespace flowmark {

void start_logging(const LogSettings& settings) {
  try {
    spdlog::set_default_logger(settings.file.empty()
                                   ? spdlog::stderr_logger_mt("flowmarkd")
                                   : spdlog::basic_logger_mt("flowmarkd", settings.file.string()));
  } catch (const spdlog::spdlog_ex& error) {
    fail("log.file: value {}: {}", settings.file.string(), error.what());
  }
  // The journal adds its own time.
  const bool journal = settings.file.empty() && std::getenv("JOURNAL_STREAM") != nullptr;
  spdlog::set_pattern(journal ? "%l: %v" : "%Y-%m-%dT%H:%M:%S.%e%z %l: %v");
  spdlog::flush_on(spdlog::level::info);
  set_log_level(settings.level);
}

void set_log_level(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::set_level(spdlog::level::trace);
    case LogLevel::debug:
      return spdlog::set_level(spdlog::level::debug);
    case LogLevel::info:
      return spdlog::set_level(spdlog::level::info);
    case LogLevel::warn:
      return spdlog::set_level(spdlog::level::warn);
    case LogLevel::error:
      return spdlog::set_level(spdlog::level::err);
  }
}

}  // namespace flowmark
