#include "capture/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr unsigned kBuffer = 64 * 1024;
constexpr size_t kLargestWrite = 1u << 20;

// mkstemp makes files that only their owner may read; results are ordinary files.
mode_t ordinary_mode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path) : path_(path.string()) {
  temporary_ = (path.parent_path() / fmt::format(".{}.XXXXXX", path.filename().string())).string();
  const int fd = mkstemp(temporary_.data());
  if (fd < 0) fail("{}: cannot be written: {}", path_, std::strerror(errno));
  // zlib's "T": written as it is.
  file_ = fchmod(fd, ordinary_mode()) == 0 ? gzdopen(fd, path.extension() == ".gz" ? "wb" : "wbT")
                                           : nullptr;
  if (file_ == nullptr) {
    const int reason = errno;
    close(fd);
    unlink(temporary_.c_str());
    fail("{}: cannot be written: {}", path_, std::strerror(reason));
  }
  gzbuffer(file_, kBuffer);
}

OutputFile::~OutputFile() {
  if (file_ != nullptr) gzclose(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::fail_write() const {
  fail("{}: cannot be written: {}", path_, std::strerror(errno));
}

void OutputFile::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kLargestWrite);
    if (gzwrite(file_, bytes.data(), static_cast<unsigned>(n)) != static_cast<int>(n)) {
      fail_write();
    }
    bytes = bytes.subspan(n);
  }
}

void OutputFile::commit() {
  const int closed = gzclose(file_);
  file_ = nullptr;
  if (closed != Z_OK) fail_write();
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail_write();
  temporary_.clear();
}

}  // namespace flowmark
