#include "bench/runtime/timed_traffic.h"

#include <time.h>

#include <algorithm>

#include "net/parse.h"

namespace flowmark::bench {
namespace {

uint64_t clock_ns(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

const char* to_string(Round kind) noexcept {
  switch (kind) {
    case Round::quiet:
      return "quiet";
    case Round::disturbed:
      return "disturbed";
    case Round::take_over:
      return "take_over";
    case Round::settle_in:
      return "settle_in";
    case Round::move_flows:
      return "move_flows";
    case Round::load:
      return "load";
    case Round::publish:
      return "publish";
    case Round::free:
      return "free";
    case Round::ask:
      return "ask";
    case Round::read:
      return "read";
    case Round::count_:
      break;
  }
  return "?";
}

TimedTraffic::TimedTraffic(const TrafficGenerator::Options& traffic, const ModelPublisher& models)
    : traffic_(traffic), models_(models), block_(kBlock) {
  for (auto& times : times_) times = std::make_unique<RoundTimes>();
  refill();
}

size_t TimedTraffic::receive(std::span<Packet> out) noexcept {
  const uint64_t wall_ns = clock_ns(CLOCK_MONOTONIC);
  const uint64_t own_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  if (wall_start_ns_ != 0) end_round(wall_ns - wall_start_ns_, own_ns - own_start_ns_);
  if (used_ == kBlock) refill();
  const size_t count = std::min(out.size(), kBlock - used_);
  std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(used_), count, out.begin());
  used_ += count;
  now_us_ = out[count - 1].time_us;
  action_before_ = action_.load(std::memory_order_relaxed);
  own_start_ns_ = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  wall_start_ns_ = clock_ns(CLOCK_MONOTONIC);
  return count;
}

void TimedTraffic::refill() {
  traffic_.next(block_);
  used_ = 0;
  ParsedPacket parsed;
  parse(block_.back(), {}, parsed);
  const std::lock_guard lock(mutex_);
  some_flow_ = parsed.key;
}

void TimedTraffic::end_round(uint64_t wall_ns, uint64_t own_ns) noexcept {
  Round kind = kind_of_round();
  if (is_disturbed(wall_ns, own_ns)) kind = Round::disturbed;
  rounds_.store(rounds_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (!measures_.load(std::memory_order_relaxed)) return;
  RoundTimes& times = *times_[static_cast<size_t>(kind)];
  times.wall.observe(wall_ns);
  times.own.observe(own_ns);
  if (wall_ns > kLongRoundNs) ++times.wall_over;
  if (own_ns > kLongRoundNs) ++times.own_over;
  times.longest_own_ns = std::max(times.longest_own_ns, own_ns);
}

// A round in which an action began, went on or ended is one of that action.
Round TimedTraffic::kind_of_round() noexcept {
  const Publication* const publication = models_.read();
  if (publication != publication_) {
    publication_ = publication;
    settling_rounds_left_ = kSettlingRounds;
    moving_rounds_left_ = kMovingRounds;
    return Round::take_over;
  }
  if (settling_rounds_left_ != 0) {
    --settling_rounds_left_;
    return Round::settle_in;
  }
  const Round action = action_.load(std::memory_order_relaxed);
  if (action != Round::quiet) return action;
  if (action_before_ != Round::quiet) return action_before_;
  if (moving_rounds_left_ == 0) return Round::quiet;
  --moving_rounds_left_;
  return Round::move_flows;
}

bool TimedTraffic::is_disturbed(uint64_t wall_ns, uint64_t own_ns) noexcept {
  if (wall_ns > own_ns + kAwayNs) {
    cold_rounds_left_ = kColdRounds;
    return true;
  }
  if (cold_rounds_left_ == 0) return false;
  --cold_rounds_left_;
  return true;
}

FlowKey TimedTraffic::some_flow() const {
  const std::lock_guard lock(mutex_);
  return some_flow_;
}

}  // namespace flowmark::bench
