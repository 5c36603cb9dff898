#include "daemon/flowmarkd/load_thread.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr int kNice = 10;  // of this thread alone, as Linux reads setpriority()

}  // namespace

LoadThread::LoadThread() : done_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (done_event_ < 0) fail("the thread that loads models: {}", strerror(errno));
}

LoadThread::~LoadThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  close(done_event_);
}

void LoadThread::start(LoadJob job) {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  {
    const std::lock_guard lock(mutex_);
    job_ = std::move(job);
  }
  wake_.notify_one();
}

std::optional<LoadResult> LoadThread::take() {
  uint64_t count = 0;
  if (read(done_event_, &count, sizeof count) != sizeof count) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return std::exchange(result_, std::nullopt);
}

void LoadThread::run() {
  setpriority(PRIO_PROCESS, 0, kNice);
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || job_; });
    if (stop_) return;
    std::optional<LoadJob> job = std::exchange(job_, std::nullopt);
    lock.unlock();
    LoadResult result = load(*job);
    job.reset();
    lock.lock();
    result_ = std::move(result);
    const uint64_t one = 1;
    (void)!write(done_event_, &one, sizeof one);
  }
}

}  // namespace flowmark
