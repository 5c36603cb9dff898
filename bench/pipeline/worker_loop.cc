#include "bench/pipeline/worker_loop.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <memory>

namespace flowmark::bench {
namespace {

constexpr uint64_t kSliceNs = 5000;
constexpr uint32_t kHostRecords = 8192;  // as in the daemon
/// The daemon's defaults.
constexpr LiveLimits kLiveLimits{.expedited_flow = 250'000,
                                 .expedited_host = 500'000,
                                 .expedited_link = 12'500'000,
                                 .conference_flow = 1'250'000};

uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// Keeps the last events, as a ring does.
class LastEvents final : public FlowSink {
 public:
  void on_flow(const FlowEvent& event) noexcept override {
    events_[next_++ % events_.size()] = event;
  }
  bool has_much_room() const noexcept override { return true; }

 private:
  std::vector<FlowEvent> events_ = std::vector<FlowEvent>(8192);
  size_t next_ = 0;
};

uint64_t all_inferences(const WorkerCounters& counters) {
  uint64_t sum = 0;
  for (const ModelCounters& model : counters.models) sum += model.inferences.get();
  return sum;
}

}  // namespace

WorkerLoop::WorkerLoop(const Options& options, const ModelSet& models)
    : options_(options),
      capacity_(std::max(1U << 16, options.flows * 2)),
      counters_(std::make_unique<WorkerCounters>()),
      delays_(std::make_unique<LatencyHistogram>()),
      pacer_(kSliceNs, options.busy_share),
      block_(kBlock) {
  if (options.tells_flows) told_ = std::make_shared<LastEvents>();
  ClassifierOptions classifier;
  classifier.table.capacity = capacity_;
  classifier.window_memory_bytes = options.memory_bytes;
  classifier.prefault = true;
  classifier.host_records = kHostRecords;
  classifier.direction = DirectionRule::lan_port;
  classifier.live_budget = std::make_shared<LiveBudget>(kLiveLimits);
  classifier_ = std::make_unique<Classifier>(classifier, *counters_, nullptr, told_.get());
  classifier_->use_models(&models);
}

uint64_t WorkerLoop::delay_clock_ns() const {
  return clock_ns(options_.own_delays ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC);
}

void WorkerLoop::run(TrafficGenerator& traffic, uint64_t packets) {
  for (uint64_t done = 0; done < packets; done += kBlock) {
    traffic.next(block_);
    const uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    polled_ns_ = delay_clock_ns();
    for (size_t i = 0; i < kBlock; i += options_.burst) {
      pass(std::span(block_).subspan(i, options_.burst));
    }
    cpu_ns_ += clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    packets_ += kBlock;
    rounds_ += kBlock / options_.burst;
  }
}

void WorkerLoop::pass(std::span<Packet> burst) {
  classifier_->process(burst, {});
  const uint64_t sent_ns = delay_clock_ns();
  delays_->observe(last_round_ns_ + sent_ns - polled_ns_);
  uint64_t end_ns = sent_ns;
  if (const uint64_t budget = pacer_.next(true, last_round_ns_); budget != 0) {
    classifier_->infer(budget);
    end_ns = delay_clock_ns();
    pacer_.spent(end_ns - sent_ns);
  }
  classifier_->expire(burst.back().time_us);
  last_round_ns_ = end_ns - polled_ns_;
  polled_ns_ = end_ns;
}

std::unique_ptr<LatencyHistogram> WorkerLoop::machine_delays() const {
  const uint64_t round_ns = cpu_ns_ / rounds_;
  auto delays = std::make_unique<LatencyHistogram>();
  uint64_t before = delay_clock_ns(), polled = before;
  for (uint64_t i = 0; i < rounds_; ++i) {
    uint64_t now = polled;
    while (now < polled + round_ns) now = delay_clock_ns();
    delays->observe(now - before);
    before = polled;
    polled = now;
  }
  return delays;
}

void WorkerLoop::forget() {
  cpu_ns_ = packets_ = rounds_ = 0;
  inferences_before_ = all_inferences(*counters_);
  delays_ = std::make_unique<LatencyHistogram>();
}

double WorkerLoop::ns_per_packet() const {
  return static_cast<double>(cpu_ns_) / static_cast<double>(packets_);
}

uint64_t WorkerLoop::inferences() const {
  return all_inferences(*counters_) - inferences_before_;
}

uint64_t WorkerLoop::bypassed() const {
  uint64_t sum = 0;
  for (const Counter& counter : counters_->bypassed) sum += counter.get();
  return sum;
}

uint64_t WorkerLoop::left_out() const {
  uint64_t sum = 0;
  for (const Counter& counter : counters_->left_out) sum += counter.get();
  return sum;
}

uint64_t WorkerLoop::memory_in_use() const {
  return counters_->pool_used_bytes.get() + FlowTable::memory_bytes(capacity_);
}

}  // namespace flowmark::bench
