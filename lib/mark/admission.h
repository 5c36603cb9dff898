#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/time.h"
#include "mark/live_budget.h"
#include "mark/live_mark.h"
#include "mark/token_bucket.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// Admits flows to their live marks, each as a whole (docs/adr/0030-admission-to-live-marks.md).
///
/// A flow that is to get a live mark is measured first, for kMeasureUs: a young flow from its
/// beginning, any other from its first packet with the mark. Then it reserves the rate
/// that it was seen to need: of the flow's own limit, of its host's share and of the link. It keeps
/// the mark as long as it stays within what it has reserved. When it needs more it reserves more;
/// when that is not to be had it is refused for a time. What it no longer needs it gives back
/// slowly, so that a pause in speech costs nothing.
///
/// Policies of the operator may put caps on the flows they fit (mark/live_caps.h). When these
/// change, an admitted flow keeps its mark only if what it has reserved fits the new ones.
///
/// One worker's, on its thread: the flows it has, in a table of fixed size. The budget is shared.
/// All but the constructor is the packet path.
class Admission {
 public:
  static constexpr TimeUs kMeasureUs = 250 * kUsPerMs;  ///< longer than a call needs for a verdict
  static constexpr TimeUs kYoungUs = kUsPerSecond;      ///< a young flow began no longer ago

  /// Room for `flows` flows with a live mark (rounded up to a power of two). `budget`: nullptr
  /// admits everybody. Both must outlive this.
  Admission(uint32_t flows, LiveBudget* budget, WorkerCounters& counters);
  /// Gives back all that its flows have reserved.
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// A packet of a flow whose mark is live.
  struct Packet {
    uint64_t flow = 0;  ///< hash of its key, well mixed in all bits
    LiveMark mark = LiveMark::expedited;
    const IpAddress* host = nullptr;  ///< whose share the flow counts against
    uint32_t bytes = 0;               ///< on the wire
    TimeUs time_us = 0;
    LiveCaps caps{};  ///< of an expedited mark
  };
  enum class Answer : uint8_t {
    measuring,  ///< not known yet: the packet stays as it came
    admitted,
    refused,  ///< counted with its reason: the packet gets the fallback mark
  };
  Answer ask(const Packet& packet) noexcept;

  /// What a flow sent before the first packet that was asked for.
  struct Past {
    TimeUs began_us = 0;
    uint64_t bytes = 0;
  };
  /// To be called for a packet whose answer was `measuring`: a young flow's past is measured too,
  /// once.
  Answer count_past(const Packet& packet, const Past& past) noexcept;

  /// Caps may be others than before: each flow's reservation is made anew with its next packet.
  void caps_changed() noexcept { ++caps_epoch_; }

  /// Looks at the next `records` of its records: flows that fell silent give back what they have.
  void expire(TimeUs now_us, uint32_t records) noexcept;
  uint32_t records() const noexcept { return static_cast<uint32_t>(records_.size()); }

 private:
  enum class State : uint8_t { measuring, admitted, refused };

  struct alignas(64) Record {
    uint64_t flow = 0;  ///< 0: free
    uint64_t host = 0;
    TokenBucket bucket;
    TimeUs since_us = 0;  ///< in this state; if admitted, in this period of kPeriodUs
    TimeUs seen_us = 0;
    uint64_t bytes = 0;  ///< since `since_us`
    uint32_t rate = 0;   ///< bytes a second that it may send and has reserved, once admitted
    uint16_t group = LiveCaps::kNoGroup;  ///< in which it has
    uint8_t caps_epoch = 0;               ///< of the caps that its reservation fits
    LiveMark mark : 2 = LiveMark::none;
    State state : 2 = State::measuring;
    Refusal reason : 4 {};
  };
  static_assert(sizeof(Record) == 64);
  static_assert(kLiveMarkCount <= 4 && static_cast<int>(Refusal::count_) <= 16);

  static constexpr uint32_t kWays = 4;  ///< records where a flow may be

  bool is_asked_for(const Packet& packet) const noexcept;
  Record* find(const Packet& packet) noexcept;
  void start(Record& record, const Packet& packet) noexcept;
  void measure_from(Record& record, TimeUs now_us) noexcept;
  Answer measure(Record& record, const Packet& packet) noexcept;
  Answer judge(Record& record, const Packet& packet) noexcept;
  Answer keep(Record& record, const Packet& packet) noexcept;
  Answer refuse(Record& record, const Packet& packet, Refusal reason) noexcept;
  Answer demote(Refusal reason) noexcept;
  bool grow(Record& record, const Packet& packet, Refusal& reason) noexcept;
  bool follow_caps(Record& record, const LiveCaps& caps, Refusal& reason) noexcept;
  bool reserve(Record& record, uint64_t more, const LiveCaps& caps, Refusal& reason) noexcept;
  void release(Record& record, uint64_t less) noexcept;
  void settle(Record& record, TimeUs now_us) noexcept;
  uint64_t highest_rate(LiveMark mark) const noexcept;

  LiveBudget* budget_;
  WorkerCounters& counters_;
  std::vector<Record> records_;
  uint32_t walk_ = 0;  ///< where expire() goes on
  uint8_t caps_epoch_ = 0;
  uint64_t reserved_ = 0;
};

}  // namespace flowmark
