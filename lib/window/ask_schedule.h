#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace flowmark {

/// When a model is asked about a flow.
struct AskPolicy {
  uint32_t min_packets = 16;          ///< in the model's window, before the first verdict
  TimeUs min_us = 0;                  ///< since the flow's first packet
  uint32_t hop_packets = 256;         ///< asked again after so many packets ...
  TimeUs hop_us = 15 * kUsPerSecond;  ///< ... or so much time, whichever comes first
};

/// When the model is asked next about one window of a flow: that of both directions, or of one of
/// them. The first time packets and age must both be reached, later either. Early windows double,
/// so that a young flow's verdict improves fast at little cost. Live and offline.
struct AskSchedule {
  int64_t due_ms = 0;        ///< age of the flow
  uint32_t due_packets = 0;  ///< of the direction or the flow
  bool asked = false;

  static AskSchedule first(const AskPolicy& policy) noexcept {
    return {.due_ms = policy.min_us / kUsPerMs, .due_packets = policy.min_packets};
  }
  static int64_t age_ms(TimeUs start_us, TimeUs now_us) noexcept {
    return std::max<TimeUs>((now_us - start_us) / kUsPerMs, 0);
  }

  bool has_packets(uint32_t packets) const noexcept { return packets >= due_packets; }
  bool has_age(int64_t age_ms) const noexcept { return age_ms >= due_ms; }
  /// Whether the packet that came last, one of the window's own, makes it due.
  bool is_due(uint32_t packets, int64_t age_ms) const noexcept {
    const bool enough = has_packets(packets), late = has_age(age_ms);
    return asked ? enough || late : enough && late;
  }
  /// It is asked now. Never due by packets again where their number stops below UINT32_MAX: from
  /// there on time decides.
  void ask(uint32_t packets, int64_t age_ms, const AskPolicy& policy) noexcept {
    asked = true;
    due_packets = packets + std::min({policy.hop_packets, packets, UINT32_MAX - packets});
    due_ms = age_ms + policy.hop_us / kUsPerMs;
  }
};

}  // namespace flowmark
