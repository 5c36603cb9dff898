#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "daemon/flowmarkd/load_job.h"

namespace flowmark {

/// A thread that loads, one job at a time, so that the control thread never waits for a file or a
/// model. It starts with the first job: it then inherits the control thread's cores, and disturbs
/// no worker. It yields to the control thread where both want the same core.
class LoadThread {
 public:
  /// Throws Error.
  LoadThread();
  /// Waits for the job under way.
  ~LoadThread();
  LoadThread(const LoadThread&) = delete;
  LoadThread& operator=(const LoadThread&) = delete;

  // Control thread.

  /// The job before must have been taken. Throws std::system_error when no thread can be had.
  void start(LoadJob job);
  /// Readable when take() has something.
  int descriptor() const noexcept { return done_event_; }
  /// The finished job's result, once.
  std::optional<LoadResult> take();

 private:
  void run();

  int done_event_ = -1;
  std::mutex mutex_;  ///< of all below
  std::condition_variable wake_;
  std::optional<LoadJob> job_;
  std::optional<LoadResult> result_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace flowmark
