#pragma once

#include <spdlog/common.h>

#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class formatter;
}

namespace flowmark {

/// Standard error is a stream to systemd's journal (JOURNAL_STREAM, systemd.exec(5)).
bool stderr_is_journal();

/// The text with a priority before each of its lines, as in "<3>no such port" (sd-daemon(3)): the
/// journal makes an entry of each line, and `journalctl -p` selects by it.
std::string journal_lines(spdlog::level::level_enum level, std::string_view text);

/// Makes journal_lines() of each message, without a time: the journal has its own.
std::unique_ptr<spdlog::formatter> journal_formatter();

}  // namespace flowmark
