#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace flowmark::qoe {

using Frame = std::vector<uint8_t>;  ///< an Ethernet frame without its check sequence

/// The service classes of RFC 4594 that need a queue of their own, most urgent first.
enum class Tier : uint8_t { voice, video, standard, transfers, lower_effort };
inline constexpr size_t kTiers = 5;
inline constexpr std::array<const char*, kTiers> kTierNames = {"voice", "video", "standard",
                                                               "transfers", "lower_effort"};

/// The tier of a Differentiated Services code point: EF, VA and CS5 to CS7 are voice, AF4x, AF3x,
/// CS4 and CS3 video, AF1x transfers, CS1 and LE lower effort, everything else standard.
Tier tier_of_dscp(uint8_t dscp) noexcept;

/// The tier of a frame by the mark of its IP header; without one (ARP) standard.
Tier tier_of_frame(std::span<const uint8_t> frame) noexcept;

/// Which frame a line sends next. Each tier has a queue that drops what comes when it is full, and
/// a share of the line that is its own.
///
/// Strict with a share: first goes the most urgent tier that is within its share. When none is,
/// video and standard share the rest of the line evenly, by bytes; what they leave is offered to
/// transfers, lower effort and voice, in this order: who marks too much as voice waits behind
/// everybody. The kernel's HTB does much the same with `rate`, `ceil` and `prio`.
/// Times are nanoseconds of a clock that never goes back. One thread.
class TierScheduler {
 public:
  /// A tier's share of the line, all together at most 1.
  using Shares = std::array<double, kTiers>;
  static constexpr Shares kShares = {0.30, 0.25, 0.25, 0.15, 0.05};

  struct Counters {
    uint64_t frames = 0;
    uint64_t bytes = 0;
    uint64_t dropped = 0;
    int64_t longest_wait_ns = 0;  ///< of a frame that was sent
  };

  /// `queue_frames`: what each tier's queue holds. Throws std::invalid_argument for shares above 1.
  TierScheduler(uint64_t bytes_per_second, size_t queue_frames, const Shares& shares = kShares);

  /// False: the tier's queue is full and the frame is dropped.
  bool push(Tier tier, Frame frame, int64_t now_ns);
  /// The next frame, nullopt when all queues are empty.
  std::optional<Frame> pop(int64_t now_ns);

  bool empty() const noexcept { return waiting_ == 0; }
  const Counters& counters(Tier tier) const noexcept {
    return queues_[static_cast<size_t>(tier)].counters;
  }

 private:
  struct Waiting {
    Frame frame;
    int64_t since_ns;
  };
  struct Queue {
    std::deque<Waiting> waiting;
    double share_per_ns = 0;  ///< bytes
    double credit = 0;        ///< bytes that the tier may send as its own
    Counters counters;
  };

  void earn(int64_t now_ns);
  Queue& choose();
  Queue& choose_of_rest();
  Queue& queue_of(Tier tier) noexcept { return queues_[static_cast<size_t>(tier)]; }
  Frame take(Queue& queue, int64_t now_ns);

  std::array<Queue, kTiers> queues_;
  size_t queue_frames_;
  size_t waiting_ = 0;
  int64_t video_ahead_ =
      0;  ///< bytes of the rest that video had more than standard while both wait
  int64_t earned_until_ns_ = 0;
  bool started_ = false;
};

}  // namespace flowmark::qoe
