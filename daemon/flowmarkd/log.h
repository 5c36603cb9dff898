#pragma once

#include <fmt/core.h>

#include <utility>

#include "settings/settings.h"

namespace flowmark {

/// Whether the log takes lines of this level: what only such a line needs can be left out.
bool is_logged(LogLevel level);

/// Writes a line to the log that start_logging() set up (daemon/flowmarkd/logging.h). Any thread of
/// the control side. The functions below check the format when they are compiled.
void log_line(LogLevel level, fmt::string_view format, fmt::format_args values);

template <typename... Values>
void log_debug(fmt::format_string<Values...> format, Values&&... values) {
  log_line(LogLevel::debug, format, fmt::make_format_args(values...));
}

template <typename... Values>
void log_info(fmt::format_string<Values...> format, Values&&... values) {
  log_line(LogLevel::info, format, fmt::make_format_args(values...));
}

template <typename... Values>
void log_warning(fmt::format_string<Values...> format, Values&&... values) {
  log_line(LogLevel::warn, format, fmt::make_format_args(values...));
}

template <typename... Values>
void log_error(fmt::format_string<Values...> format, Values&&... values) {
  log_line(LogLevel::error, format, fmt::make_format_args(values...));
}

}  // namespace flowmark
