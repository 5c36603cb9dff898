#include "daemon/flowmarkd/file_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace flowmark {

FileWatch::FileWatch() : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (fd_ < 0) fail("files cannot be watched (inotify): {}", strerror(errno));
}

FileWatch::~FileWatch() {
  close(fd_);
}

std::vector<std::string> FileWatch::watch(const std::vector<std::filesystem::path>& files) {
  for (const auto& [descriptor, folder] : folders_) inotify_rm_watch(fd_, descriptor);
  folders_.clear();
  files_.clear();
  std::vector<std::string> unwatched;
  for (const auto& file : files) {
    const auto absolute = std::filesystem::absolute(file).lexically_normal();
    const auto folder = absolute.parent_path();
    files_.push_back(absolute);
    const int descriptor =
        inotify_add_watch(fd_, folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
    if (descriptor >= 0) {
      folders_[descriptor] = folder;
    } else if (std::find(unwatched.begin(), unwatched.end(), folder) == unwatched.end()) {
      unwatched.push_back(folder.string());
    }
  }
  return unwatched;
}

std::vector<std::filesystem::path> FileWatch::changed() {
  std::vector<std::filesystem::path> found;
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t length = read(fd_, buffer, sizeof buffer);
    if (length <= 0) return found;
    for (ssize_t at = 0; at < length;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) return files_;  // anything may have changed
      const auto folder = folders_.find(event->wd);
      if (folder == folders_.end() || event->len == 0) continue;
      const auto file = folder->second / event->name;
      if (std::find(files_.begin(), files_.end(), file) != files_.end() &&
          std::find(found.begin(), found.end(), file) == found.end()) {
        found.push_back(file);
      }
    }
  }
}

}  // namespace flowmark
