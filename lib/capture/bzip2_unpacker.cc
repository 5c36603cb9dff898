#include <bzlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "capture/unpacker.h"

namespace flowmark {
namespace {

class Bzip2Unpacker : public Unpacker {
 public:
  Bzip2Unpacker(int fd, std::string path) : path_(std::move(path)), fd_(fd) {}
  ~Bzip2Unpacker() override {
    if (in_stream_) BZ2_bzDecompressEnd(&stream_);
    close(fd_);
  }

  size_t read(uint8_t* to, size_t most) override {
    const auto wanted =
        static_cast<unsigned>(std::min<size_t>(most, std::numeric_limits<unsigned>::max()));
    stream_.next_out = reinterpret_cast<char*>(to);
    stream_.avail_out = wanted;
    while (stream_.avail_out == wanted && wanted > 0) {
      if (failed_ != BZ_OK) fail_read();
      if (!in_stream_) {
        if (stream_.avail_in == 0 && !refill()) return 0;
        begin();
      } else {
        step();
        // Only where nothing came: libbz2 may have more to give than what it was last given.
        const bool starved = stream_.avail_out == wanted && in_stream_ && stream_.avail_in == 0;
        if (starved && failed_ == BZ_OK && !refill()) fail("{}: the bzip2 data is cut off", path_);
      }
    }
    return wanted - stream_.avail_out;
  }

  uint64_t position() const noexcept override { return taken_ - stream_.avail_in; }

 private:
  bool refill() {
    const ssize_t n = ::read(fd_, packed_.data(), packed_.size());
    if (n < 0) fail("{}: cannot be read: {}", path_, std::strerror(errno));
    stream_.next_in = packed_.data();
    stream_.avail_in = static_cast<unsigned>(n);
    taken_ += static_cast<uint64_t>(n);
    return n > 0;
  }

  void begin() {
    failed_ = BZ2_bzDecompressInit(&stream_, 0, 0);
    in_stream_ = failed_ == BZ_OK;
  }

  void step() {
    const int status = BZ2_bzDecompress(&stream_);
    if (status == BZ_STREAM_END) {
      BZ2_bzDecompressEnd(&stream_);
      in_stream_ = false;
    } else {
      failed_ = status;
    }
  }

  [[noreturn]] void fail_read() const {
    if (failed_ == BZ_MEM_ERROR) fail("{}: cannot be read: out of memory", path_);
    fail("{}: the bzip2 data is damaged", path_);
  }

  std::string path_;
  int fd_;
  bz_stream stream_{};
  bool in_stream_ = false;
  int failed_ = BZ_OK;  // told only when what was unpacked before is read
  uint64_t taken_ = 0;  // bytes of the file
  std::array<char, 64 * 1024> packed_;
};

}  // namespace

std::unique_ptr<Unpacker> make_bzip2_unpacker(int fd, std::string path) {
  return std::make_unique<Bzip2Unpacker>(fd, std::move(path));
}

}  // namespace flowmark
