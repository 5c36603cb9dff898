#include "daemon/flowmarkd/file_watch.h"

#include <sys/stat.h>

#include <algorithm>

namespace flowmark {
namespace {

int64_t ns_of(const timespec& time) noexcept {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  return time.tv_sec * kNsPerSecond + time.tv_nsec;
}

}  // namespace

FileStamp stamp_of(const std::filesystem::path& file) noexcept {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return {};
  return {true,
          status.st_dev,
          status.st_ino,
          static_cast<uint64_t>(status.st_size),
          ns_of(status.st_mtim),
          ns_of(status.st_ctim)};
}

void FileWatch::watch(const std::vector<WatchedFile>& files) {
  std::vector<WatchedFile> wanted;
  for (const WatchedFile& file : files) {
    if (std::ranges::find(wanted, file.path, &WatchedFile::path) != wanted.end()) continue;
    const auto known = std::ranges::find(files_, file.path, &WatchedFile::path);
    wanted.push_back(known != files_.end() ? *known : file);
  }
  files_ = std::move(wanted);
}

std::vector<std::filesystem::path> FileWatch::changed() {
  std::vector<std::filesystem::path> found;
  for (WatchedFile& file : files_) {
    const FileStamp now = stamp_of(file.path);
    if (now == file.stamp) continue;
    file.stamp = now;
    found.push_back(file.path);
  }
  return found;
}

}  // namespace flowmark
