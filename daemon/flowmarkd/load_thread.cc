#include "daemon/flowmarkd/load_thread.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr int kNice = 10;  // of this thread alone, as Linux reads setpriority()

}  // namespace

/// What both threads use. The last one of them that ends frees it.
struct LoadThread::Desk {
  Desk() : done_event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (done_event < 0) fail("the thread that loads models: {}", strerror(errno));
  }
  ~Desk() { close(done_event); }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  const int done_event;
  std::mutex mutex;  ///< of all below
  std::condition_variable wake;
  std::optional<LoadJob> job;
  std::optional<LoadResult> result;
  bool is_working = false;
  bool stop = false;
};

LoadThread::LoadThread() : desk_(std::make_shared<Desk>()) {}

LoadThread::~LoadThread() {
  bool is_working = false;
  {
    const std::lock_guard lock(desk_->mutex);
    desk_->stop = true;
    is_working = desk_->is_working;
  }
  desk_->wake.notify_one();
  if (!thread_.joinable()) return;
  if (is_working) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void LoadThread::start(LoadJob job) {
  if (!thread_.joinable()) thread_ = std::thread([desk = desk_] { work(*desk); });
  {
    const std::lock_guard lock(desk_->mutex);
    desk_->job = std::move(job);
  }
  desk_->wake.notify_one();
}

int LoadThread::descriptor() const noexcept {
  return desk_->done_event;
}

std::optional<LoadResult> LoadThread::take() {
  uint64_t count = 0;
  if (read(desk_->done_event, &count, sizeof count) != sizeof count) return std::nullopt;
  const std::lock_guard lock(desk_->mutex);
  return std::exchange(desk_->result, std::nullopt);
}

void LoadThread::work(Desk& desk) {
  setpriority(PRIO_PROCESS, 0, kNice);
  std::unique_lock lock(desk.mutex);
  for (;;) {
    desk.wake.wait(lock, [&desk] { return desk.stop || desk.job; });
    if (desk.stop) return;
    std::optional<LoadJob> job = std::exchange(desk.job, std::nullopt);
    desk.is_working = true;
    lock.unlock();
    LoadResult result = load(*job);
    job.reset();
    lock.lock();
    desk.is_working = false;
    desk.result = std::move(result);
    const uint64_t one = 1;
    (void)!write(desk.done_event, &one, sizeof one);
  }
}

}  // namespace flowmark
