#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "daemon/flowmarkd/stream/verdict_stream.h"
#include "runtime/event_ring.h"

namespace flowmark {

/// The thread that takes the workers' flow events and serves the stream of verdicts. Whatever holds
/// it, a disk for one, holds neither a worker nor the control thread. It inherits the cores of the
/// thread that makes it.
class StreamThread {
 public:
  /// The rings must outlive it. Throws std::system_error when no thread can be had, and Error.
  StreamThread(std::vector<FlowRing*> rings, std::unique_ptr<VerdictStream> stream);
  /// Ends the thread; stop() was called before, or what is left is not told.
  ~StreamThread();
  StreamThread(const StreamThread&) = delete;
  StreamThread& operator=(const StreamThread&) = delete;

  /// After the workers have ended: tells what they left, and the end of all flows.
  void stop();

  // From any thread.
  void reopen_file() noexcept { stream_->reopen_file(); }
  const StreamCounts& counts() const noexcept { return stream_->counts(); }

 private:
  struct Source {
    FlowRing* ring = nullptr;
    uint64_t lost = 0;  ///< that the stream knows of
  };

  void run();
  void wait(int timeout_ms) const;
  bool drain();

  std::vector<Source> sources_;
  std::unique_ptr<VerdictStream> stream_;
  int stop_event_ = -1;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace flowmark
