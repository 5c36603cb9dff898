#include "daemon/flowmarkd/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr mode_t kMode = 0640;

int open_log(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  const int descriptor = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kMode);
  if (descriptor < 0) fail("log.file: value {}: {}", path.string(), strerror(errno));
  return descriptor;
}

}  // namespace

LogFile::LogFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(open_log(path_)) {}

LogFile::~LogFile() {
  close(descriptor_);
}

void LogFile::reopen() {
  const int fresh = open_log(path_);
  const std::lock_guard lock(mutex_);
  close(std::exchange(descriptor_, fresh));
}

bool LogFile::was_moved() {
  struct stat written {
  }, there{};
  const std::lock_guard lock(mutex_);
  if (fstat(descriptor_, &written) != 0) return false;
  if (stat(path_.c_str(), &there) != 0) return errno == ENOENT || errno == ENOTDIR;
  return written.st_dev != there.st_dev || written.st_ino != there.st_ino;
}

// A line that the disk has no room for is lost: nobody waits for a log.
void LogFile::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  (void)!write(descriptor_, line.data(), line.size());
}

}  // namespace flowmark
