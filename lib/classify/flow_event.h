#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"
#include "classify/flow_state.h"

namespace flowmark {

/// What is known of a flow's admission to its live mark (mark/admission.h).
enum class LiveState : uint8_t {
  none,       ///< the flow's mark is not live, or nobody asks (MarkMode::report)
  measuring,  ///< the flow's packets leave as they came
  admitted,
  refused,  ///< they get the fallback mark
};

/// Why a flow has ended.
enum class FlowEnd : uint8_t {
  idle,     ///< no packet for a timeout
  closed,   ///< the same after TCP FIN or RST
  evicted,  ///< a newer flow needed its place
  stopped,  ///< the worker has ended
  lost,     ///< nobody told of its end (a worker never says so)
};

/// What a worker tells of one flow: a new class or mark, its numbers from time to time, its end.
struct FlowEvent {
  enum class Kind : uint8_t { changed, refreshed, ended };
  static constexpr uint16_t kNoVlan = FlowState::kNoVlan;

  FlowKey key;
  TimeUs time_us = 0;  ///< of the packet that changed it; else of the worker's newest packet
  // Of the flow so far, where knows_numbers says so: else it has given its memory up.
  TimeUs start_us = 0;                ///< first packet
  TimeUs last_us = 0;                 ///< newest packet that was counted
  std::array<uint64_t, 2> bytes{};    ///< by Direction, IP bytes
  std::array<uint32_t, 2> packets{};  ///< likewise
  uint32_t generation = 0;            ///< of the model set that `model` belongs to
  uint32_t labels = 0;                ///< of a multi-label model: bits of all classes that stand
  float confidence = 0;               ///< voted probability of the class
  uint16_t vlan = kNoVlan;            ///< outermost tag of the packet with which the state was made
  Kind kind = Kind::changed;
  FlowEnd end = FlowEnd::idle;  ///< of an end
  /// The slot whose verdict sets the mark; if there is none, the last one with a verdict.
  uint8_t model = 0;
  uint8_t class_index = kNoClass;  ///< kNoClass: no verdict stands
  // DSCP that the flow's packets are to have, by where they go; kNoMark: as they came.
  uint8_t mark = kNoMark;  ///< towards WAN
  uint8_t mark_to_lan = kNoMark;
  LiveState live = LiveState::none;
  bool up_is_a = true;      ///< endpoint a of the key sends upstream
  bool began_down = false;  ///< the outside began the flow
  bool knows_numbers = true;
  bool knows_verdict = true;  ///< else what was told last holds
};

/// Takes flow events on the worker's thread; must neither block nor allocate.
class FlowSink {
 public:
  virtual void on_flow(const FlowEvent& event) noexcept = 0;
  /// False when events that come later anyway had better wait.
  virtual bool has_much_room() const noexcept = 0;

 protected:
  ~FlowSink() = default;
};

}  // namespace flowmark
