#include <lzma.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "capture/unpacker.h"

namespace flowmark {
namespace {

// "xz -9" needs 65 MiB to be unpacked. The header of a made-up file could ask for 4 GiB.
constexpr uint64_t kMostMemory = 128u << 20;

class XzUnpacker : public Unpacker {
 public:
  XzUnpacker(int fd, std::string path)
      : path_(std::move(path)),
        fd_(fd),
        status_(lzma_stream_decoder(&stream_, kMostMemory, LZMA_CONCATENATED)) {}
  ~XzUnpacker() override {
    lzma_end(&stream_);
    close(fd_);
  }

  size_t read(uint8_t* to, size_t most) override {
    stream_.next_out = to;
    stream_.avail_out = most;
    while (stream_.avail_out == most && status_ == LZMA_OK) {
      if (stream_.avail_in == 0 && action_ == LZMA_RUN) refill();
      status_ = lzma_code(&stream_, action_);
    }
    const size_t done = most - stream_.avail_out;
    if (done == 0 && most > 0 && status_ != LZMA_STREAM_END) fail_read();
    return done;
  }

  uint64_t position() const noexcept override { return stream_.total_in; }

 private:
  void refill() {
    const ssize_t n = ::read(fd_, packed_.data(), packed_.size());
    if (n < 0) fail("{}: cannot be read: {}", path_, std::strerror(errno));
    if (n == 0) action_ = LZMA_FINISH;
    stream_.next_in = packed_.data();
    stream_.avail_in = static_cast<size_t>(n);
  }

  [[noreturn]] void fail_read() const {
    if (status_ == LZMA_BUF_ERROR) fail("{}: the xz data is cut off", path_);
    if (status_ == LZMA_MEM_ERROR) fail("{}: cannot be read: out of memory", path_);
    if (status_ == LZMA_MEMLIMIT_ERROR)
      fail("{}: the xz data needs more than {} MiB to be unpacked", path_, kMostMemory >> 20);
    if (status_ == LZMA_OPTIONS_ERROR) fail("{}: the xz data uses an unknown option", path_);
    fail("{}: the xz data is damaged", path_);
  }

  std::string path_;
  int fd_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret status_;
  lzma_action action_ = LZMA_RUN;
  std::array<uint8_t, 64 * 1024> packed_;
};

}  // namespace

std::unique_ptr<Unpacker> make_xz_unpacker(int fd, std::string path) {
  return std::make_unique<XzUnpacker>(fd, std::move(path));
}

}  // namespace flowmark
