#include "capture/xz_reader.h"

#include <lzma.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr std::array<uint8_t, 6> kMagic{0xFD, '7', 'z', 'X', 'Z', 0};
constexpr size_t kPackedBuffer = 64 * 1024;
// "xz -9" needs 65 MiB to be unpacked. The header of a made-up file could ask for 4 GiB.
constexpr uint64_t kMostMemory = 128u << 20;

}  // namespace

struct XzReader::State {
  explicit State(int descriptor) : fd(descriptor) {}
  ~State() {
    lzma_end(&stream);
    close(fd);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  int fd;
  lzma_stream stream = LZMA_STREAM_INIT;
  lzma_ret status = LZMA_OK;
  lzma_action action = LZMA_RUN;
  std::array<uint8_t, kPackedBuffer> packed;
};

bool XzReader::is_xz(int fd) noexcept {
  std::array<uint8_t, kMagic.size()> start{};
  return pread(fd, start.data(), start.size(), 0) == static_cast<ssize_t>(start.size()) &&
         start == kMagic;
}

XzReader::XzReader(int fd, std::string path)
    : path_(std::move(path)), state_(std::make_unique<State>(fd)) {
  const lzma_ret made = lzma_stream_decoder(&state_->stream, kMostMemory, LZMA_CONCATENATED);
  if (made != LZMA_OK) fail_read(made);
}

XzReader::~XzReader() = default;

void XzReader::fail_read(int status) const {
  if (status == LZMA_BUF_ERROR) fail("{}: the xz data is cut off", path_);
  if (status == LZMA_MEM_ERROR) fail("{}: cannot be read: out of memory", path_);
  if (status == LZMA_MEMLIMIT_ERROR)
    fail("{}: the xz data needs more than {} MiB to be unpacked", path_, kMostMemory >> 20);
  if (status == LZMA_OPTIONS_ERROR) fail("{}: the xz data uses an unknown option", path_);
  fail("{}: the xz data is damaged", path_);
}

size_t XzReader::read(uint8_t* to, size_t most) {
  lzma_stream& stream = state_->stream;
  stream.next_out = to;
  stream.avail_out = most;
  while (stream.avail_out == most && state_->status == LZMA_OK) {
    if (stream.avail_in == 0 && state_->action == LZMA_RUN) {
      const ssize_t n = ::read(state_->fd, state_->packed.data(), state_->packed.size());
      if (n < 0) fail("{}: cannot be read: {}", path_, std::strerror(errno));
      if (n == 0) state_->action = LZMA_FINISH;
      stream.next_in = state_->packed.data();
      stream.avail_in = static_cast<size_t>(n);
    }
    state_->status = lzma_code(&stream, state_->action);
  }
  const size_t done = most - stream.avail_out;
  if (done == 0 && most > 0 && state_->status != LZMA_STREAM_END) fail_read(state_->status);
  return done;
}

uint64_t XzReader::position() const noexcept {
  return state_->stream.total_in;
}

}  // namespace flowmark
