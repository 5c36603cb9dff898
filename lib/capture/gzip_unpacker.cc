#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "capture/unpacker.h"

namespace flowmark {
namespace {

constexpr unsigned kGzipBuffer = 64 * 1024;
constexpr size_t kLargestRead = 1 << 20;

class GzipUnpacker : public Unpacker {
 public:
  GzipUnpacker(int fd, std::string path) : path_(std::move(path)), file_(gzdopen(fd, "rb")) {
    if (file_ == nullptr) {
      close(fd);
      fail("{}: cannot be opened: out of memory", path_);
    }
    gzbuffer(file_, kGzipBuffer);
  }
  ~GzipUnpacker() override { gzclose(file_); }

  size_t read(uint8_t* to, size_t most) override {
    const int n = gzread(file_, to, static_cast<unsigned>(std::min(most, kLargestRead)));
    if (n > 0) return static_cast<size_t>(n);
    int code = Z_OK;
    gzerror(file_, &code);
    // zlib says "buffer error" where the file ends before its gzip data does.
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END)) fail_read();
    return 0;
  }

  uint64_t position() const noexcept override { return static_cast<uint64_t>(gzoffset(file_)); }

 private:
  [[noreturn]] void fail_read() const {
    int code = Z_OK;
    const char* reason = gzerror(file_, &code);
    if (code == Z_ERRNO) fail("{}: cannot be read: {}", path_, std::strerror(errno));
    if (code == Z_BUF_ERROR) fail("{}: the gzip data is cut off", path_);
    fail("{}: the gzip data is damaged ({})", path_, reason);
  }

  std::string path_;
  gzFile file_;
};

}  // namespace

std::unique_ptr<Unpacker> make_gzip_unpacker(int fd, std::string path) {
  return std::make_unique<GzipUnpacker>(fd, std::move(path));
}

}  // namespace flowmark
