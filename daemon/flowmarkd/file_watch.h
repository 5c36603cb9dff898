#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace flowmark {

/// Tells one state of a file from another, whatever symbolic links lead to it.
struct FileStamp {
  bool exists = false;
  uint64_t device = 0, inode = 0, size = 0;
  int64_t written_ns = 0;  ///< since the epoch
  int64_t changed_ns = 0;  ///< likewise, of its name or rights too

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::filesystem::path& file) noexcept;

struct WatchedFile {
  std::filesystem::path path;
  FileStamp stamp;  ///< taken before the file was read
};

/// Tells when one of some files was written, replaced, removed or made, or when a link or folder on
/// the way to it was. It compares stamps: inotify would miss links' targets and replaced folders.
/// Control thread only.
class FileWatch {
 public:
  /// The files from now on, instead of those before. One that is watched already keeps its stamp,
  /// so that no change is lost in between.
  void watch(const std::vector<WatchedFile>& files);

  /// Looks at all files: those that have changed since the last look, each once.
  std::vector<std::filesystem::path> changed();

 private:
  std::vector<WatchedFile> files_;
};

}  // namespace flowmark
