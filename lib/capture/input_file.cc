#include "capture/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "capture/unpacker.h"

namespace flowmark {
namespace {

constexpr size_t kLineBuffer = 1u << 16;

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
  unpacker_ = make_unpacker(fd, path_);
}

InputFile::~InputFile() = default;

size_t InputFile::read(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    const size_t n = unpacker_->read(out.data() + done, out.size() - done);
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
      n = unpacker_->read(reinterpret_cast<uint8_t*>(buffer_.data()), buffer_.size());
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
  const double share = static_cast<double>(unpacker_->position()) / static_cast<double>(size_);
  return std::min(share, 1.0);
}

}  // namespace flowmark
