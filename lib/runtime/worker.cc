#include "runtime/worker.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace flowmark {

Worker::Worker(const WorkerOptions& options, const ClassifierOptions& classifier, PacketIo& io,
               ModelPublisher& models, WorkerCounters& counters, VerdictSink* sink,
               FlowSink* flow_sink)
    : options_(options),
      cycles_(options.cycles_per_second),
      io_(io),
      models_(models),
      counters_(counters),
      classifier_(classifier, counters, sink, flow_sink),
      pacer_(options.slice_ns, options.busy_share) {}

void Worker::run() noexcept {
  last_cycles_ = poll_before_ = read_cycles();
  while (!stop_.load(std::memory_order_relaxed) && !io_.finished()) {
    pick_up_models();
    const size_t received = io_.receive(packets_);
    const std::span burst(packets_.data(), received);
    const std::span marked(marked_.data(), received);
    classifier_.process(burst, marked);
    io_.transmit(burst, marked);
    if (received != 0 && --until_sample_ == 0) measure_delay();
    const size_t moved = received + io_.passed_by();
    const bool backlog = infer(moved);
    classifier_.expire(received == 0 ? io_.now() : burst.back().time_us);
    account(moved, moved != 0 || backlog);
    if (query_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      answer_query();
  }
  classifier_.finish();
  io_.close();
  classifier_.use_models(nullptr);
  models_.leave(options_.index);
}

void Worker::pick_up_models() noexcept {
  const Publication* const publication = models_.read();
  if (publication == taken_) [[likely]] {
    return;
  }
  classifier_.use_models(*publication->prepared[options_.index]);
  taken_ = publication;
  running_ = publication->set.get();
  models_.acknowledge(options_.index, *running_);
}

// A slice after each burst; a share of the time only while packets wait. Returns whether any
// window still waits.
bool Worker::infer(size_t moved) noexcept {
  const bool packets_wait = moved >= kBurst;
  const uint64_t budget = pacer_.next(packets_wait, last_round_ns_);
  if (budget == 0) return true;
  if (!packets_wait) return classifier_.infer(budget);
  const uint64_t start = read_cycles();
  const bool backlog = classifier_.infer(budget);
  pacer_.spent(ns_since(start));
  return backlog;
}

// No packet of this burst can have waited for longer than since the poll before the one that
// received it, which left nothing behind (unless packets come faster than they go).
void Worker::measure_delay() noexcept {
  until_sample_ = kDelaySampling;
  counters_.delay_ns.observe(ns_since(poll_before_));
}

uint64_t Worker::ns_since(uint64_t cycles) const noexcept {
  return cycles_.to_ns(cycles_between(cycles, read_cycles()));
}

void Worker::account(size_t moved, bool busy) noexcept {
  const uint64_t now = read_cycles();
  const uint64_t round = cycles_between(last_cycles_, now);
  (busy ? counters_.busy_cycles : counters_.idle_cycles).add(round);
  last_round_ns_ = cycles_.to_ns(round);
  poll_before_ = last_cycles_;
  last_cycles_ = now;
  (moved != 0 ? counters_.bursts : counters_.empty_polls).add();
  if (!options_.sleep_when_idle) return;
  if (busy) {
    idle_.busy();
  } else if (const uint32_t rest_ns = idle_.idle(); rest_ns != 0) {
    io_.rest(rest_ns);
  }
}

void Worker::answer_query() noexcept {
  FlowQuery* const taken = query_.exchange(nullptr, std::memory_order_acq_rel);
  if (taken == nullptr) return;  // the asker lost patience just now
  FlowQuery& query = *taken;
  const FlowId id = classifier_.flows().find(query.key);
  query.found = id != kNoFlow;
  if (query.found) {
    const FlowEntry& entry = classifier_.flows()[id];
    query.has_windows = entry.state != nullptr;
    query.up_is_a = (entry.flags & kUpIsA) != 0;
    query.packets = classifier_.packets(id);
    query.policy = classifier_.policy_of(id);
    const MarkNumbers::Entry& mark = running_->numbers()[entry.mark];
    query.mark = mark.to_wan;
    query.mark_to_lan = mark.to_lan;
    query.generation = running_->generation();
    for (size_t slot = 0; query.has_windows && slot < running_->models().size(); ++slot) {
      const Classifier::Standing standing = classifier_.standing(id, slot);
      FlowQuery::ModelAnswer& answer = query.models[slot];
      answer.class_index = standing.class_index;
      answer.labels = standing.labels;
      answer.windows = standing.windows;
      answer.is_asked = standing.is_asked;
      answer.classes = static_cast<uint32_t>(std::min(standing.probabilities.size(), kMaxClasses));
      std::copy_n(standing.probabilities.begin(), answer.classes, answer.probabilities.begin());
    }
  }
  query.answered.store(true, std::memory_order_release);
}

bool Worker::ask(FlowQuery& query, std::chrono::steady_clock::time_point end) noexcept {
  query_.store(&query, std::memory_order_release);
  while (!query.answered.load(std::memory_order_acquire)) {
    FlowQuery* mine = &query;
    // Once the worker has taken the query its answer is a moment away; before, it can be withdrawn.
    if (std::chrono::steady_clock::now() > end && query_.compare_exchange_strong(mine, nullptr))
      return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace flowmark
