#include "daemon/flowmarkd/stream/verdict_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "classify/flow_news.h"
#include "daemon/flowmarkd/log.h"
#include "runtime/unix_listener.h"

namespace flowmark {
namespace {

constexpr const char* kSocketKey = "verdict_stream.socket";
constexpr const char* kFileKey = "verdict_stream.file";
constexpr size_t kBytesPerKib = 1024;
/// A worker tells each flow again within kRefreshUs: after three times that it has none any more.
constexpr int64_t kSilentMs = 3 * FlowNews::kRefreshUs / kUsPerMs;
constexpr int64_t kFileLookMs = 50;

int64_t now_ms() {
  using std::chrono::duration_cast, std::chrono::steady_clock, std::chrono::milliseconds;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

TimeUs time_of_day_us() {
  using std::chrono::duration_cast, std::chrono::system_clock, std::chrono::microseconds;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

VerdictStream::VerdictStream(const Settings& settings, StreamLines::Names names)
    : settings_(settings.verdict_stream),
      lines_(settings, std::move(names)),
      flows_(settings_.flows) {
  if (!settings_.file.empty()) {
    file_ = std::make_unique<AppendFile>(kFileKey, settings_.file);
    begin_file();
  }
  if (!settings_.socket.empty()) listen_ = listen_unix(kSocketKey, settings_.socket, kMaxReaders);
}

VerdictStream::~VerdictStream() {
  for (const StreamReader& reader : readers_) close(reader.descriptor());
  if (listen_ < 0) return;
  close(listen_);
  unlink(settings_.socket.c_str());
}

void VerdictStream::check(const StreamSettings& settings, bool may_be_in_use) {
  if (!settings.file.empty()) AppendFile::check(kFileKey, settings.file);
  if (!settings.socket.empty()) check_unix_listener(kSocketKey, settings.socket, may_be_in_use);
}

void VerdictStream::take(FlowEvent event) {
  switch (flows_.take(event, now_ms())) {
    case LiveFlows::News::none:
      return;
    case LiveFlows::News::change:
      return tell(lines_.mark(event, false));
    case LiveFlows::News::end:
      return tell(lines_.end(event));
  }
}

void VerdictStream::take_loss(uint64_t events) {
  for (StreamReader& reader : readers_) reader.tell_of_lost(events);
  if (to_file_) to_file_->tell_of_lost(events);
}

void VerdictStream::tell(std::string_view line) {
  ++counts_.lines;
  for (StreamReader& reader : readers_) counts_.lost_to_readers += pass(line, reader);
  if (to_file_) counts_.lost_to_file += pass(line, *to_file_);
}

// A reader that keeps up loses nothing in a burst. serve() notices one that is gone.
uint64_t VerdictStream::pass(std::string_view line, StreamReader& reader) {
  if (!reader.has_much_room()) (void)reader.flush();
  return reader.add(line);
}

void VerdictStream::add_descriptors(std::vector<pollfd>& descriptors) const {
  if (listen_ >= 0) descriptors.push_back({listen_, POLLIN, 0});
  for (const StreamReader& reader : readers_) {
    const auto wanted = static_cast<short>(reader.is_waiting() ? POLLOUT : 0);
    descriptors.push_back({reader.descriptor(), wanted, 0});
  }
}

void VerdictStream::serve() {
  if (listen_ >= 0) accept_readers();
  forget_silent_flows();
  if (file_ != nullptr) look_after_file();
  serve_readers();
  counts_.readers = readers_.size();
  counts_.flows = flows_.size();
  counts_.not_kept = flows_.not_kept();
}

void VerdictStream::accept_readers() {
  for (;;) {
    const int fd = accept4(listen_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (readers_.size() >= kMaxReaders) {
      close(fd);
      continue;
    }
    readers_.emplace_back(StreamReader::Kind::socket, fd, settings_.buffer_kib * kBytesPerKib,
                          lines_.hello(time_of_day_us()));
    continue_snapshot(readers_.back());
  }
}

void VerdictStream::serve_readers() {
  for (auto reader = readers_.begin(); reader != readers_.end();) {
    continue_snapshot(*reader);
    if (discard_input(*reader) && reader->flush()) {
      ++reader;
      continue;
    }
    close(reader->descriptor());
    reader = readers_.erase(reader);
  }
  if (!to_file_) return;
  continue_snapshot(*to_file_);
  to_file_->flush();
}

// What a reader writes is ignored. False: it is gone on both sides.
bool VerdictStream::discard_input(const StreamReader& reader) const {
  constexpr int kMostReads = 16;
  std::array<char, 4096> ignored;
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t length = recv(reader.descriptor(), ignored.data(), ignored.size(), MSG_DONTWAIT);
    if (length == 0) break;
    if (length < 0) return errno == EAGAIN || errno == EINTR;
  }
  pollfd state{reader.descriptor(), 0, 0};
  return poll(&state, 1, 0) >= 0 && (state.revents & (POLLHUP | POLLERR)) == 0;
}

// The snapshot takes only room that lines of changes do not need.
void VerdictStream::continue_snapshot(StreamReader& reader) {
  StreamReader::Snapshot& snapshot = reader.snapshot;
  while (!snapshot.is_done && reader.has_much_room()) {
    if (snapshot.next_place < flows_.places()) {
      const FlowEvent* const flow = flows_.at(snapshot.next_place++);
      if (flow == nullptr) continue;
      reader.add(lines_.mark(*flow, true));
      ++snapshot.flows;
    } else {
      reader.add(StreamLines::live(snapshot.flows, flows_.not_kept()));
      snapshot.is_done = true;
    }
  }
}

void VerdictStream::forget_silent_flows() {
  while (const auto flow = flows_.take_silent(now_ms() - kSilentMs)) {
    ++counts_.silent;
    tell(lines_.end(*flow));
  }
}

// Each file can be read by itself: it begins with hello and the flows that live.
void VerdictStream::begin_file() {
  to_file_.emplace(StreamReader::Kind::file, file_->descriptor(),
                   settings_.buffer_kib * kBytesPerKib, lines_.hello(time_of_day_us()));
  continue_snapshot(*to_file_);
}

void VerdictStream::look_after_file() {
  const bool is_asked = reopen_.exchange(false);
  if (!is_asked && now_ms() - looked_ms_ < kFileLookMs) return;
  looked_ms_ = now_ms();
  if (!is_asked && !file_->was_moved()) return;
  to_file_->flush();
  try {
    file_->reopen();
    begin_file();
    told_of_file_ = false;
  } catch (const Error& error) {
    if (!std::exchange(told_of_file_, true)) {
      log_error("the stream of verdicts goes on in the file it had: {}", error.what());
    }
  }
}

void VerdictStream::finish(int patience_ms) {
  const int64_t end_ms = now_ms() + patience_ms;
  const auto lacks_room = [](const StreamReader& reader) { return !reader.has_much_room(); };
  while (const auto flow = flows_.take_any()) {
    tell(lines_.end(*flow));
    while (std::ranges::any_of(readers_, lacks_room) && wait_for_readers(end_ms)) {
    }
  }
  serve();
  while (std::ranges::any_of(readers_, &StreamReader::is_waiting) && wait_for_readers(end_ms)) {
  }
}

// Until one of those for whom lines wait takes some. False: none does by then.
bool VerdictStream::wait_for_readers(int64_t end_ms) {
  std::vector<pollfd> waiting;
  for (const StreamReader& reader : readers_) {
    if (reader.is_waiting()) waiting.push_back({reader.descriptor(), POLLOUT, 0});
  }
  const int64_t left_ms = end_ms - now_ms();
  if (left_ms <= 0 || poll(waiting.data(), waiting.size(), static_cast<int>(left_ms)) <= 0) {
    return false;
  }
  serve_readers();
  return true;
}

}  // namespace flowmark
