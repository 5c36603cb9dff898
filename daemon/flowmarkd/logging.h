#pragma once

#include "settings/settings.h"

namespace flowmark {

/// Sends the log (spdlog's default logger, control side only) where the configuration says. Throws
/// Error when the file cannot be written.
void start_logging(const LogSettings& settings);
void set_log_level(LogLevel level);

}  // namespace flowmark
