#include "daemon/flowmarkd/stream/stream_reader.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/flowmarkd/stream/stream_lines.h"

namespace flowmark {

StreamReader::StreamReader(Kind kind, int descriptor, size_t capacity, std::string hello)
    : kind_(kind), descriptor_(descriptor), capacity_(capacity), buffer_(std::move(hello)) {}

uint64_t StreamReader::add(std::string_view line) {
  if (tell_losses() && put(line)) return 0;
  ++untold_;
  return 1;
}

bool StreamReader::put(std::string_view line) {
  if (waiting() + line.size() > capacity_) return false;
  buffer_ += line;
  return true;
}

bool StreamReader::tell_losses() {
  if (untold_ == 0) return true;
  if (!put(StreamLines::lost(untold_))) return false;
  untold_ = 0;
  return true;
}

// A full disk is a slow reader.
bool StreamReader::flush() {
  (void)tell_losses();
  while (is_waiting()) {
    const char* data = buffer_.data() + sent_;
    const ssize_t length = kind_ == Kind::socket
                               ? send(descriptor_, data, waiting(), MSG_NOSIGNAL | MSG_DONTWAIT)
                               : write(descriptor_, data, waiting());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && kind_ == Kind::socket && errno != EAGAIN) return false;
    if (length <= 0) break;
    sent_ += static_cast<size_t>(length);
  }
  if (sent_ == buffer_.size()) {
    buffer_.clear();
    sent_ = 0;
  } else if (sent_ > capacity_) {
    buffer_.erase(0, sent_);
    sent_ = 0;
  }
  return true;
}

}  // namespace flowmark
