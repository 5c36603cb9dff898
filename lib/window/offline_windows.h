#pragma once

#include "feature/feature_spec.h"
#include "feature/offline_window.h"
#include "flow/recorded_flow.h"

namespace flowmark {

/// Cuts a flow into windows as design section 6 says: pictures start at the first packet of their
/// direction, each next one window_s (or hop) later; packet windows every window_packets packets,
/// an incomplete last one dropped (a time-limited or prefix one is kept). Order: for pictures all
/// of up, then all of down. Times that run back count as standing still.
///
/// A window with a time limit takes the packets of [start, start + window), window_packets at most;
/// without a hop the next starts with the first packet after it, with one the k-th starts k hops
/// after the flow's first packet.
///
/// Through the states and readers of live flows: a window of packets has the features that the live
/// window has when the window's last packet has come (burst_surge: bursts and surges reach back
/// over its start). The difference: a picture here takes any number of pixels.
///
/// Throws Error if the specification is not valid, the hop is negative, or the flow has more than
/// 2^32 windows.
void cut_windows(const RecordedFlow& flow, const FeatureSpec& spec, const TilingOptions& options,
                 const TakeWindow& take);

}  // namespace flowmark
