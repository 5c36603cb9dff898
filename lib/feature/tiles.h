#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"
#include "flow/recorded_flow.h"

namespace flowmark {

/// The packets of a flow, or of one direction of it, in order: times that run back stand still.
std::vector<FlowPacket> packets_in_order(const RecordedFlow& flow, const Direction* only);

/// Packets [begin, end) of a flow that make a window.
struct Tile {
  size_t begin = 0;
  size_t end = 0;
  TimeUs start_us = 0;
  uint32_t number = 0;
};

/// From a tile's first packet to its last.
TimeUs span_of(const std::vector<FlowPacket>& packets, const Tile& tile);

/// Windows of a length in time that start every `hop` microseconds from the first packet.
class TimeTiles {
 public:
  /// Holds on to `packets`, which are in order and not empty.
  TimeTiles(const std::vector<FlowPacket>& packets, TimeUs window_us, TimeUs hop_us,
            bool skips_empty)
      : packets_(packets), window_us_(window_us), hop_us_(hop_us), skips_empty_(skips_empty) {}

  /// The next tile; false after the last. Throws Error: more than 2^32 tiles.
  bool next(Tile& tile);

 private:
  bool find(Tile& tile);
  TimeUs offset(size_t i) const { return packets_[i].time_us - packets_[0].time_us; }

  const std::vector<FlowPacket>& packets_;
  TimeUs window_us_;
  TimeUs hop_us_;
  bool skips_empty_;
  TimeUs number_ = 0;
  bool is_started_ = false;
};

/// Goes through a flow in stretches, which tile it: one begins with the first packet behind the
/// last one. With a hop and a window in time (`tiles` by the hop; nullptr: none) it is each tile of
/// these. `find_end` sets where a stretch ends, or says that there is no more; `cut` is given the
/// stretch. Of a beginning (TilingOptions) there is one.
void walk_stretches(const std::vector<FlowPacket>& packets, TimeTiles* tiles, bool is_prefix,
                    const std::function<bool(Tile&)>& find_end,
                    const std::function<void(const Tile&)>& cut);

}  // namespace flowmark
