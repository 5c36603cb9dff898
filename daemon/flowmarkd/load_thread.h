#pragma once

#include <memory>
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
  /// Does not wait for a job under way: its thread is left to itself, with all that it uses, and
  /// ends after the job. The process must not take static objects apart before.
  ~LoadThread();
  LoadThread(const LoadThread&) = delete;
  LoadThread& operator=(const LoadThread&) = delete;

  // Control thread.

  /// The job before must have been taken. Throws std::system_error when no thread can be had.
  void start(LoadJob job);
  /// Readable when take() has something.
  int descriptor() const noexcept;
  /// The finished job's result, once.
  std::optional<LoadResult> take();

 private:
  struct Desk;
  static void work(Desk& desk);

  std::shared_ptr<Desk> desk_;
  std::thread thread_;
};

}  // namespace flowmark
