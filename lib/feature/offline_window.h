#pragma once

#include <cstdint>
#include <functional>

#include "base/time.h"
#include "feature/sparse_window.h"

namespace flowmark {

/// A window cut from a recorded flow.
struct OfflineWindow {
  enum class Side : uint8_t { up, down, both };
  Side side = Side::both;  ///< of the direction where each has windows of its own
  TimeUs start_us = 0;     ///< of a tile of time: the tile's start; else of its first packet
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

  bool is_prefix() const noexcept { return prefix_packets > 0 || prefix_us > 0; }
};

using TakeWindow = std::function<void(const OfflineWindow&)>;

}  // namespace flowmark
