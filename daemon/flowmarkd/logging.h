#pragma once

#include <string>

#include "settings/settings.h"

namespace flowmark {

/// Sends the log (spdlog's default logger, control side only) where the configuration says. On
/// standard error it tells the journal each line's priority. Throws Error when the file cannot be
/// written.
void start_logging(const LogSettings& settings);
/// Throws Error, as "log.file: ...", when start_logging() could not write there; makes nothing.
void check_log_file(const LogSettings& settings);
void set_log_level(LogLevel level);

/// Opens the log file anew, for SIGUSR1; the log tells of it. Without a file nothing happens.
void reopen_log();
/// The same if the file was moved away or removed. A failure is told once.
void reopen_moved_log();

/// Prints what ends the program, on standard error.
void print_failure(const std::string& text);

}  // namespace flowmark
