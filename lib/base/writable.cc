#include "base/writable.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace flowmark {

std::string why_not_writable(const std::filesystem::path& folder, bool may_be_made) {
  std::error_code none;
  std::filesystem::path there = folder.empty() ? "." : folder;
  // What is missing would be made in the nearest folder above.
  while (may_be_made && !std::filesystem::exists(std::filesystem::symlink_status(there, none)) &&
         there.has_relative_path()) {
    there = there.has_parent_path() ? there.parent_path() : ".";
  }
  if (!std::filesystem::exists(there, none)) return there.string() + ": there is no such folder";
  if (!std::filesystem::is_directory(there, none)) return there.string() + ": is not a folder";
  if (faccessat(AT_FDCWD, there.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return "";
  return there.string() + ": " + std::strerror(errno);
}

}  // namespace flowmark
