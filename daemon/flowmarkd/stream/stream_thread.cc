#include "daemon/flowmarkd/stream/stream_thread.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "daemon/flowmarkd/log.h"

namespace flowmark {
namespace {

constexpr int kLookMs = 10;           // at the rings, which wake nobody
constexpr int kPatienceMs = 500;      // for readers at the end
constexpr size_t kMostEvents = 4096;  // of each ring, between two rounds of the readers

}  // namespace

StreamThread::StreamThread(std::vector<FlowRing*> rings, std::unique_ptr<VerdictStream> stream)
    : stream_(std::move(stream)), stop_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (stop_event_ < 0) fail("the thread of the verdict stream: {}", strerror(errno));
  for (FlowRing* ring : rings) sources_.push_back({ring, 0});
  thread_ = std::thread([this] { run(); });
}

StreamThread::~StreamThread() {
  stop();
  close(stop_event_);
}

void StreamThread::stop() {
  if (!thread_.joinable()) return;
  stop_ = true;
  const uint64_t one = 1;
  (void)!write(stop_event_, &one, sizeof one);
  thread_.join();
}

// Forwarding does not end because one of its servants has failed.
void StreamThread::run() {
  for (bool is_last = false, is_behind = false; !is_last;) {
    try {
      wait(is_behind ? 0 : kLookMs);
      const bool is_asked_to_stop = stop_;
      is_behind = drain();
      stream_->serve();
      is_last = is_asked_to_stop && !is_behind;
      if (is_last) stream_->finish(kPatienceMs);
    } catch (const std::exception& error) {
      log_error("the verdict stream goes on after an error: {}", error.what());
    }
  }
}

void StreamThread::wait(int timeout_ms) const {
  std::vector<pollfd> descriptors{{stop_event_, POLLIN, 0}};
  stream_->add_descriptors(descriptors);
  (void)poll(descriptors.data(), descriptors.size(), timeout_ms);
}

// True when there is more to be taken.
bool StreamThread::drain() {
  bool is_behind = false;
  for (Source& source : sources_) {
    FlowEvent event;
    size_t taken = 0;
    for (; taken < kMostEvents && source.ring->pop(event); ++taken) stream_->take(event);
    is_behind |= taken == kMostEvents;
    const uint64_t lost = source.ring->lost();
    if (lost != source.lost) stream_->take_loss(lost - std::exchange(source.lost, lost));
  }
  return is_behind;
}

}  // namespace flowmark
