#include "daemon/flowmarkd/log_file.h"

#include <unistd.h>

#include <utility>

namespace flowmark {

LogFile::LogFile(std::filesystem::path path) : file_("log.file", std::move(path)) {}

void LogFile::reopen() {
  const std::lock_guard lock(mutex_);
  file_.reopen();
}

bool LogFile::was_moved() {
  const std::lock_guard lock(mutex_);
  return file_.was_moved();
}

// A line that the disk has no room for is lost: nobody waits for a log.
void LogFile::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  (void)!write(file_.descriptor(), line.data(), line.size());
}

}  // namespace flowmark
