#include "capture/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr unsigned kGzipBuffer = 64 * 1024;
constexpr size_t kLineBuffer = 1u << 16;
constexpr size_t kLargestRead = 1 << 20;

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : path_(path.string()) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("{}: cannot be opened: {}", path_, std::strerror(errno));
  struct stat status {};
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    close(fd);
    fail("{}: is a folder, not a file", path_);
  }
  if (S_ISREG(status.st_mode)) size_ = static_cast<uint64_t>(status.st_size);
  if (XzReader::is_xz(fd)) {
    xz_ = std::make_unique<XzReader>(fd, path_);
    return;
  }
  file_ = gzdopen(fd, "rb");
  if (file_ == nullptr) {
    close(fd);
    fail("{}: cannot be opened: out of memory", path_);
  }
  gzbuffer(file_, kGzipBuffer);
}

InputFile::~InputFile() {
  if (file_ != nullptr) gzclose(file_);
}

void InputFile::fail_read() const {
  int code = Z_OK;
  const char* reason = gzerror(file_, &code);
  if (code == Z_ERRNO) fail("{}: cannot be read: {}", path_, std::strerror(errno));
  if (code == Z_BUF_ERROR) fail("{}: the gzip data is cut off", path_);
  fail("{}: the gzip data is damaged ({})", path_, reason);
}

// Up to `most` bytes; 0 at the end.
size_t InputFile::fill(uint8_t* to, size_t most) {
  if (xz_) return xz_->read(to, most);
  const int n = gzread(file_, to, static_cast<unsigned>(std::min(most, kLargestRead)));
  if (n > 0) return static_cast<size_t>(n);
  int code = Z_OK;
  gzerror(file_, &code);
  // zlib says "buffer error" where the file ends before its gzip data does.
  if (n < 0 || (code != Z_OK && code != Z_STREAM_END)) fail_read();
  return 0;
}

size_t InputFile::read(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    const size_t n = fill(out.data() + done, out.size() - done);
    if (n == 0) break;
    done += n;
  }
  return done;
}

bool InputFile::read_line(std::string& line, size_t longest) {
  line.clear();
  for (;;) {
    const size_t end = buffer_.find('\n', buffer_at_);
    const size_t stop = end == std::string::npos ? buffer_.size() : end;
    line.append(buffer_, buffer_at_, stop - buffer_at_);
    if (line.size() > longest) fail("{}: a line is longer than {} bytes", path_, longest);
    if (end != std::string::npos) {
      buffer_at_ = end + 1;
      break;
    }
    buffer_.resize(kLineBuffer);
    buffer_at_ = 0;
    // Cleared first: when reading fails, nothing may be left to be read as a line.
    size_t n = 0;
    try {
      n = fill(reinterpret_cast<uint8_t*>(buffer_.data()), buffer_.size());
    } catch (...) {
      buffer_.clear();
      throw;
    }
    buffer_.resize(n);
    if (n == 0) {
      if (line.empty()) return false;
      break;
    }
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

double InputFile::progress() const noexcept {
  if (size_ == 0) return 0;
  const double at =
      xz_ ? static_cast<double>(xz_->position()) : static_cast<double>(gzoffset(file_));
  return std::clamp(at / static_cast<double>(size_), 0.0, 1.0);
}

}  // namespace flowmark
