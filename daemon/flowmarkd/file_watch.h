#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace flowmark {

/// Tells when one of some files was written or replaced by rename (inotify on their folders, so
/// that a file may also appear later). Control thread only.
class FileWatch {
 public:
  FileWatch();
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  /// The files from now on, instead of those before. Returns the folders that cannot be watched.
  std::vector<std::string> watch(const std::vector<std::filesystem::path>& files);

  int descriptor() const noexcept { return fd_; }
  /// Reads what has happened; the watched files concerned, each once.
  std::vector<std::filesystem::path> changed();

 private:
  int fd_ = -1;
  std::vector<std::filesystem::path> files_;
  std::map<int, std::filesystem::path> folders_;  ///< by watch descriptor
};

}  // namespace flowmark
