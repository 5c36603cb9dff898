#include "actuator/stream_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

}  // namespace

StreamClient::StreamClient(std::filesystem::path path) : path_(std::move(path)) {
  if (path_.native().size() >= sizeof sockaddr_un{}.sun_path) {
    fail("--socket: value {}: longer than the {} bytes a socket's path may have", path_.native(),
         sizeof sockaddr_un{}.sun_path - 1);
  }
}

StreamClient::~StreamClient() {
  close_now({});
}

StreamClient::State StreamClient::pump(Clock::time_point now, const OnLine& on_line) {
  if (descriptor_ < 0) {
    if (now < next_attempt_) return State::waiting;
    if (!connect_now()) {
      back_off(now);
      return State::waiting;
    }
  }
  const size_t had = buffer_.size();
  buffer_.resize(had + kReadBytes);
  const ssize_t length = recv(descriptor_, buffer_.data() + had, kReadBytes, MSG_DONTWAIT);
  const int error = errno;
  buffer_.resize(had + (length > 0 ? static_cast<size_t>(length) : 0));
  if (length > 0) {
    pause_ = kFirstPause;
    cut_lines(on_line);
    if (descriptor_ < 0) return State::closed;  // on_line asked for a new connection
    if (buffer_.size() <= kLongestLine) return State::connected;
    close_now("a line is longer than 64 KiB");
  } else if (length == 0) {
    close_now("flowmarkd closed the connection");
  } else if (error == EAGAIN || error == EINTR) {
    return State::connected;
  } else {
    close_now(std::string("reading failed: ") + strerror(error));
  }
  back_off(now);
  return State::closed;
}

void StreamClient::reconnect(Clock::time_point when) {
  close_now("a new snapshot is asked for");
  next_attempt_ = when;
}

bool StreamClient::connect_now() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.c_str(), path_.native().size() + 1);
  descriptor_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // A Unix socket connects at once or not at all, unless the listener's queue is full.
  const timeval patience{1, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    reason_.clear();
    return true;
  }
  close_now(std::string("no flowmarkd answers there: ") + strerror(errno));
  return false;
}

void StreamClient::close_now(std::string reason) {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
  buffer_.clear();
  reason_ = std::move(reason);
}

void StreamClient::back_off(Clock::time_point now) {
  next_attempt_ = now + pause_;
  pause_ = std::min(2 * pause_, kLastPause);
}

void StreamClient::cut_lines(const OnLine& on_line) {
  const std::string lines = std::exchange(buffer_, {});
  size_t begin = 0;
  for (size_t end; (end = lines.find('\n', begin)) != std::string::npos; begin = end + 1) {
    on_line(std::string_view(lines).substr(begin, end - begin));
    if (descriptor_ < 0) return;
  }
  buffer_.assign(lines, begin);
}

}  // namespace flowmark
