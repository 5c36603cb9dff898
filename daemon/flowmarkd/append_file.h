#pragma once

#include <filesystem>
#include <string>

namespace flowmark {

/// A file that is only appended to and that another program may move away (logrotate). Not
/// thread-safe.
class AppendFile {
 public:
  /// Makes the file, and its folder, where they are missing. Throws Error naming `key`, the
  /// setting.
  AppendFile(std::string key, std::filesystem::path path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Throws Error, as the constructor would, when it could not write there; makes nothing.
  static void check(const std::string& key, const std::filesystem::path& path);

  /// Opens the path anew. Throws Error when that fails, and goes on with the file it has.
  void reopen();
  /// Whether another file, or none, lies at the path by now.
  bool was_moved() const;
  int descriptor() const noexcept { return descriptor_; }

 private:
  const std::string key_;
  const std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace flowmark
