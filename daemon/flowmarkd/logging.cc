#include "daemon/flowmarkd/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <memory>

#include "base/error.h"
#include "daemon/flowmarkd/append_file.h"
#include "daemon/flowmarkd/journal.h"
#include "daemon/flowmarkd/log.h"
#include "daemon/flowmarkd/log_file.h"

namespace flowmark {
namespace {

constexpr const char* kWithTime = "%Y-%m-%dT%H:%M:%S.%e%z %l: %v";

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// Of the default logger; nullptr: it writes to standard error.
LogFile* log_file() {
  const auto& sinks = spdlog::default_logger()->sinks();
  return sinks.empty() ? nullptr : dynamic_cast<LogFile*>(sinks.front().get());
}

/// Empty, or why not.
std::string reopen(LogFile& file) {
  try {
    file.reopen();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

void start_logging(const LogSettings& settings) {
  spdlog::sink_ptr sink;
  if (settings.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<LogFile>(settings.file);
  }
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("flowmarkd", std::move(sink)));
  if (settings.file.empty() && stderr_is_journal()) {
    spdlog::set_formatter(journal_formatter());
  } else {
    spdlog::set_pattern(kWithTime);
  }
  spdlog::flush_on(spdlog::level::info);
  set_log_level(settings.level);
}

void check_log_file(const LogSettings& settings) {
  if (!settings.file.empty()) AppendFile::check("log.file", settings.file);
}

void set_log_level(LogLevel level) {
  spdlog::set_level(to_spdlog(level));
}

bool is_logged(LogLevel level) {
  return spdlog::should_log(to_spdlog(level));
}

void log_line(LogLevel level, fmt::string_view format, fmt::format_args values) {
  if (!is_logged(level)) return;
  spdlog::default_logger_raw()->log(to_spdlog(level), fmt::vformat(format, values));
}

void reopen_log() {
  LogFile* const file = log_file();
  if (file == nullptr) return;
  if (const std::string failure = reopen(*file); !failure.empty()) {
    log_error("the log goes on in the file it had: {}", failure);
  } else {
    log_info("the log file is open anew");
  }
}

void reopen_moved_log() {
  static bool told = false;  // of this failure; control thread only
  LogFile* const file = log_file();
  if (file == nullptr || !file->was_moved()) return;
  const std::string failure = reopen(*file);
  if (failure.empty()) {
    log_info("the log file was moved away: it goes on in a new one");
  } else if (!told) {
    log_error("the log file was moved away, and the log goes on there: {}", failure);
  }
  told = !failure.empty();
}

void print_failure(const std::string& text) {
  std::cerr << (stderr_is_journal() ? journal_lines(spdlog::level::err, text) : text + "\n");
}

}  // namespace flowmark
