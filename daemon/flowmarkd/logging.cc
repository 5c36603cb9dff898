#include "daemon/flowmarkd/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <memory>

#include "base/error.h"
#include "daemon/flowmarkd/append_file.h"
#include "daemon/flowmarkd/journal.h"
#include "daemon/flowmarkd/log_file.h"

namespace flowmark {
namespace {

constexpr const char* kWithTime = "%Y-%m-%dT%H:%M:%S.%e%z %l: %v";

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

void reopen_log() {
  LogFile* const file = log_file();
  if (file == nullptr) return;
  if (const std::string failure = reopen(*file); !failure.empty()) {
    spdlog::error("the log goes on in the file it had: {}", failure);
  } else {
    spdlog::info("the log file is open anew");
  }
}

void reopen_moved_log() {
  static bool told = false;  // of this failure; control thread only
  LogFile* const file = log_file();
  if (file == nullptr || !file->was_moved()) return;
  const std::string failure = reopen(*file);
  if (failure.empty()) {
    spdlog::info("the log file was moved away: it goes on in a new one");
  } else if (!told) {
    spdlog::error("the log file was moved away, and the log goes on there: {}", failure);
  }
  told = !failure.empty();
}

void print_failure(const std::string& text) {
  std::cerr << (stderr_is_journal() ? journal_lines(spdlog::level::err, text) : text + "\n");
}

}  // namespace flowmark
