#include "daemon/flowmarkd/journal.h"

#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>

namespace flowmark {
namespace {

const char* priority_of(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return SD_DEBUG;
    case spdlog::level::warn:
      return SD_WARNING;
    case spdlog::level::err:
      return SD_ERR;
    case spdlog::level::critical:
      return SD_CRIT;
    default:
      return SD_INFO;
  }
}

class JournalFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string lines =
        journal_lines(message.level, {message.payload.data(), message.payload.size()});
    out.append(lines.data(), lines.data() + lines.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JournalFormatter>();
  }
};

}  // namespace

bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
         fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

std::string journal_lines(spdlog::level::level_enum level, std::string_view text) {
  const std::string priority = priority_of(level);
  std::string lines;
  for (bool more = true; more;) {
    const size_t end = text.find('\n');
    more = end != std::string_view::npos;
    lines += priority + std::string(text.substr(0, end)) + "\n";
    if (more) text.remove_prefix(end + 1);
  }
  return lines;
}

std::unique_ptr<spdlog::formatter> journal_formatter() {
  return std::make_unique<JournalFormatter>();
}

}  // namespace flowmark
