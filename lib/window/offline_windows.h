#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "feature/feature_spec.h"
#include "feature/sparse_window.h"
#include "flow/packet_record.h"

namespace flowmark {

/// One packet of a recorded flow.
struct FlowPacket {
  TimeUs time_us = 0;  ///< since the Unix epoch
  uint16_t size = 0;   ///< IP total length
  Direction direction = Direction::up;
  bool pure_ack = false;
};

/// A recorded conversation, packets in time order.
struct RecordedFlow {
  std::string name;   ///< "tcp 10.0.0.1:40000 192.0.2.1:443", or the id in a sequence file
  std::string label;  ///< empty if the input has none
  std::vector<FlowPacket> packets;
  /// What else a file says of it ("encryption" -> "vpn"); sequence files only.
  std::map<std::string, std::string> attributes{};
};

/// A window cut from a recorded flow.
struct OfflineWindow {
  enum class Side : uint8_t { up, down, both };
  Side side = Side::both;  ///< up or down for pictures, both for packet windows
  TimeUs start_us = 0;     ///< pictures: the tile's start; packet windows: its first packet
  uint32_t number = 0;     ///< of the tile in the flow (per direction for pictures), from 0
  uint32_t packets = 0;    ///< in the window; a picture's left-out sizes do not count
  SparseWindow features;
  TimeUs span_us = 0;  ///< from its first packet to its last, pictures: of any size
};
const char* to_string(OfflineWindow::Side side) noexcept;

struct TilingOptions {
  TimeUs hop_us = 0;  ///< distance of window starts; 0: one begins where the last ended. Ignored
                      ///< for packet windows without a time limit
  uint32_t min_packets = 1;     ///< thinner windows are dropped (their number stays used)
  uint32_t prefix_packets = 0;  ///< >0: only the first window, of at most so many packets, is cut
  TimeUs prefix_us = 0;         ///< >0: only the first window, of at most this long, is cut
};

/// Cuts a flow into windows as design section 6 says: pictures start at the first packet of their
/// direction, each next one window_s (or hop) later; packet windows every window_packets packets,
/// an incomplete last one dropped (a time-limited or prefix one is kept). Order: for pictures all
/// of up, then all of down. Times that run back count as standing still.
///
/// A window with a time limit takes the packets of [start, start + window), window_packets at most;
/// without a hop the next starts with the first packet after it, with one the k-th starts k hops
/// after the flow's first packet.
///
/// Through FlowWindows, the live code: a window of packets has the features that the live window
/// has when the window's last packet has come (burst_surge: bursts and surges reach back over its
/// start). The difference: a picture here takes any number of pixels.
///
/// Throws Error if the specification is not valid, the hop is negative, or the flow has more than
/// 2^32 windows.
void cut_windows(const RecordedFlow& flow, const FeatureSpec& spec, const TilingOptions& options,
                 const std::function<void(const OfflineWindow&)>& take);

}  // namespace flowmark
