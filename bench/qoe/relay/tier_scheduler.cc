#include "bench/qoe/relay/tier_scheduler.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace flowmark::qoe {
namespace {

constexpr double kMostCredit = 2 * 1514;  // bytes: two full frames, however long a tier was silent
constexpr size_t kEthernetHeader = 14;

}  // namespace

Tier tier_of_dscp(uint8_t dscp) noexcept {
  switch (dscp >> 3) {  // the class selector
    case 5:
    case 6:
    case 7:
      return Tier::voice;
    case 3:
    case 4:
      return Tier::video;
    case 1:
      return dscp == 8 ? Tier::lower_effort : Tier::transfers;
    default:
      return dscp == 1 ? Tier::lower_effort : Tier::standard;
  }
}

Tier tier_of_frame(std::span<const uint8_t> frame) noexcept {
  if (frame.size() < kEthernetHeader + 2) return Tier::standard;
  const int type = frame[12] << 8 | frame[13];
  const uint8_t first = frame[kEthernetHeader];
  const uint8_t second = frame[kEthernetHeader + 1];
  if (type == 0x0800) return tier_of_dscp(static_cast<uint8_t>(second >> 2));
  if (type == 0x86dd)
    return tier_of_dscp(static_cast<uint8_t>(((first & 0xf) << 4 | second >> 4) >> 2));
  return Tier::standard;
}

TierScheduler::TierScheduler(uint64_t bytes_per_second, size_t queue_frames, const Shares& shares)
    : queue_frames_(queue_frames) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (!(sum <= 1.0 + 1e-9)) throw std::invalid_argument("the tiers' shares add up to more than 1");
  for (size_t i = 0; i < kTiers; ++i) {
    queues_[i].share_per_ns = shares[i] * static_cast<double>(bytes_per_second) / 1e9;
    queues_[i].credit = kMostCredit;
  }
}

bool TierScheduler::push(Tier tier, Frame frame, int64_t now_ns) {
  Queue& queue = queue_of(tier);
  if (queue.waiting.size() >= queue_frames_) {
    ++queue.counters.dropped;
    return false;
  }
  queue.waiting.push_back({std::move(frame), now_ns});
  ++waiting_;
  return true;
}

std::optional<Frame> TierScheduler::pop(int64_t now_ns) {
  if (waiting_ == 0) return std::nullopt;
  earn(now_ns);
  return take(choose(), now_ns);
}

void TierScheduler::earn(int64_t now_ns) {
  const double passed = started_ ? static_cast<double>(now_ns - earned_until_ns_) : 0;
  started_ = true;
  earned_until_ns_ = now_ns;
  for (Queue& queue : queues_)
    queue.credit = std::min(kMostCredit, queue.credit + passed * queue.share_per_ns);
}

TierScheduler::Queue& TierScheduler::choose() {
  for (Queue& queue : queues_) {
    if (queue.waiting.empty()) continue;
    const auto size = static_cast<double>(queue.waiting.front().frame.size());
    if (queue.credit < size) continue;
    queue.credit -= size;  // what is sent of the rest costs nothing
    return queue;
  }
  return choose_of_rest();
}

TierScheduler::Queue& TierScheduler::choose_of_rest() {
  Queue& video = queue_of(Tier::video);
  Queue& standard = queue_of(Tier::standard);
  if (!video.waiting.empty() && !standard.waiting.empty()) {
    Queue& next = video_ahead_ <= 0 ? video : standard;
    const auto size = static_cast<int64_t>(next.waiting.front().frame.size());
    video_ahead_ += &next == &video ? size : -size;
    return next;
  }
  video_ahead_ = 0;
  for (const Tier tier : {Tier::video, Tier::standard, Tier::transfers, Tier::lower_effort})
    if (!queue_of(tier).waiting.empty()) return queue_of(tier);
  return queue_of(Tier::voice);
}

Frame TierScheduler::take(Queue& queue, int64_t now_ns) {
  Waiting next = std::move(queue.waiting.front());
  queue.waiting.pop_front();
  --waiting_;
  ++queue.counters.frames;
  queue.counters.bytes += next.frame.size();
  queue.counters.longest_wait_ns = std::max(queue.counters.longest_wait_ns, now_ns - next.since_ns);
  return std::move(next.frame);
}

}  // namespace flowmark::qoe
