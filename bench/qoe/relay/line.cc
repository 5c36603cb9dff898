#include "bench/qoe/relay/line.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace flowmark::qoe {
namespace {

constexpr double kBytesPerKbit = 125;
// A frame that leaves late lets the next ones follow at once, but no longer than this: the rate is
// kept on a processor that is sometimes elsewhere, and a burst stays small.
constexpr int64_t kMostCatchUpNs = 5'000'000;

}  // namespace

Line::Line(double rate_kbit, size_t queue_frames, Scheduler scheduler)
    : ns_per_byte_(1e9 / (rate_kbit * kBytesPerKbit)),
      tiers_(scheduler == Scheduler::tiers),
      scheduler_(static_cast<uint64_t>(rate_kbit * kBytesPerKbit), queue_frames) {}

void Line::push(Frame frame, int64_t now_ns) {
  const Tier tier = tiers_ ? tier_of_frame(frame) : Tier::standard;
  if (scheduler_.empty()) free_ns_ = std::max(free_ns_, now_ns);
  scheduler_.push(tier, std::move(frame), now_ns);
}

std::optional<Frame> Line::pop(int64_t now_ns) {
  if (scheduler_.empty() || now_ns < free_ns_) return std::nullopt;
  latest_ns_ = std::max(latest_ns_, now_ns - free_ns_);
  std::optional<Frame> frame = scheduler_.pop(now_ns);
  const int64_t start = std::max(free_ns_, now_ns - kMostCatchUpNs);
  free_ns_ = start + std::llround(static_cast<double>(frame->size()) * ns_per_byte_);
  return frame;
}

std::optional<int64_t> Line::next_ns() const {
  if (scheduler_.empty()) return std::nullopt;
  return free_ns_;
}

}  // namespace flowmark::qoe
