#pragma once

#include <cstdint>

#include "base/time.h"
#include "classify/verdict.h"
#include "flow/flow_entry.h"

namespace flowmark {

/// A verdict that was given or changed.
struct VerdictEvent {
  FlowKey key;
  TimeUs time_us = 0;  ///< of the packet that made the window due
  TimeUs flow_start_us = 0;
  uint64_t packets = 0;  ///< of the flow so far, both directions
  uint64_t bytes = 0;
  uint32_t generation = 0;  ///< of the model set
  uint8_t model = 0;        ///< slot
  uint8_t class_index = 0;  ///< kNoClass: abstained
  uint32_t labels = 0;      ///< of a multi-label model: bits of all classes that stand
  uint8_t mark = kNoMark;   ///< DSCP of the flow towards WAN after this verdict
  uint8_t mark_to_lan = kNoMark;
  bool up_is_a = true;
  bool provisional = true;  ///< the model's window was not full yet
  bool changed = false;     ///< another verdict stood before
  bool final = false;       ///< the flow's last word: it expired or the replay ended
  float confidence = 0;     ///< voted probability of the class
};

/// Takes verdict events on the worker's thread; must neither block nor allocate when live.
class VerdictSink {
 public:
  virtual void on_verdict(const VerdictEvent& event) noexcept = 0;

 protected:
  ~VerdictSink() = default;
};

}  // namespace flowmark
