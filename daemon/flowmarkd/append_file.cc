#include "daemon/flowmarkd/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/writable.h"

namespace flowmark {
namespace {

constexpr mode_t kMode = 0640;

int open_to_append(const std::string& key, const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  const int descriptor = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kMode);
  if (descriptor < 0) fail("{}: value {}: {}", key, path.string(), strerror(errno));
  return descriptor;
}

}  // namespace

AppendFile::AppendFile(std::string key, std::filesystem::path path)
    : key_(std::move(key)), path_(std::move(path)), descriptor_(open_to_append(key_, path_)) {}

AppendFile::~AppendFile() {
  close(descriptor_);
}

void AppendFile::check(const std::string& key, const std::filesystem::path& path) {
  std::string reason;
  std::error_code none;
  if (std::filesystem::is_directory(path, none)) {
    reason = "is a folder";
  } else if (!std::filesystem::exists(path, none)) {
    reason = why_not_writable(path.parent_path());
  } else if (access(path.c_str(), W_OK) != 0) {
    reason = strerror(errno);
  }
  if (!reason.empty()) fail("{}: value {}: {}", key, path.string(), reason);
}

void AppendFile::reopen() {
  close(std::exchange(descriptor_, open_to_append(key_, path_)));
}

bool AppendFile::was_moved() const {
  struct stat written {
  }, there{};
  if (fstat(descriptor_, &written) != 0) return false;
  if (stat(path_.c_str(), &there) != 0) return errno == ENOENT || errno == ENOTDIR;
  return written.st_dev != there.st_dev || written.st_ino != there.st_ino;
}

}  // namespace flowmark
