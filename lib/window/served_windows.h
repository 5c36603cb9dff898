#pragma once

#include <cstdint>
#include <vector>

#include "feature/feature_spec.h"
#include "feature/offline_window.h"
#include "flow/flow_life.h"
#include "flow/recorded_flow.h"
#include "window/ask_schedule.h"

namespace flowmark {

struct ServedOptions {
  AskPolicy policy{};
  FlowTimeouts timeouts{};  ///< a longer silence ends the flow, and the next packet begins another
  /// At most so many windows of a flow, so that a flow of hours does not swamp the others; 0: all.
  uint32_t most_windows = 0;
};

/// Of the windows of a flow that come one after the other, however many, keeps at most so many, 0:
/// all. The first ones fill half of the room; those after them share the other half, evenly spaced.
class WindowThinner {
 public:
  explicit WindowThinner(uint32_t most_windows) noexcept : most_(most_windows) {}

  void add(OfflineWindow&& window);
  const std::vector<OfflineWindow>& kept() const noexcept { return kept_; }

 private:
  uint32_t most_;
  uint64_t late_ = 0;    ///< that came after the first half
  uint64_t stride_ = 1;  ///< one in so many of them is kept
  std::vector<OfflineWindow> kept_;
};

/// The windows of a recorded flow that the daemon would ask a model with this policy about, at low
/// load: played through the windows of live flows, and taken at each moment at which AskSchedule
/// says so. Pictures are of the packet's direction and end at it. In the order of the moments.
///
/// `start_us` is the time of the window's first packet, `number` counts the moments. Throws Error:
/// the specification is not valid, or a window takes more memory than a live one may.
void cut_served_windows(const RecordedFlow& flow, const FeatureSpec& spec,
                        const ServedOptions& options, const TakeWindow& take);

}  // namespace flowmark
