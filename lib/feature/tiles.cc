#include "feature/tiles.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "feature/offline_window.h"

namespace flowmark {

const char* to_string(OfflineWindow::Side side) noexcept {
  switch (side) {
    case OfflineWindow::Side::up:
      return "up";
    case OfflineWindow::Side::down:
      return "down";
    case OfflineWindow::Side::both:
      return "both";
  }
  return "?";
}

std::vector<FlowPacket> packets_in_order(const RecordedFlow& flow, const Direction* only) {
  std::vector<FlowPacket> packets;
  TimeUs latest = std::numeric_limits<TimeUs>::min();
  for (FlowPacket packet : flow.packets) {
    if (only != nullptr && packet.direction != *only) continue;
    latest = std::max(latest, packet.time_us);
    packet.time_us = latest;
    packets.push_back(packet);
  }
  return packets;
}

TimeUs span_of(const std::vector<FlowPacket>& packets, const Tile& tile) {
  return tile.end > tile.begin ? packets[tile.end - 1].time_us - packets[tile.begin].time_us : 0;
}

bool TimeTiles::next(Tile& tile) {
  if (is_started_) ++number_;
  is_started_ = true;
  while (find(tile)) {
    if (tile.begin < tile.end || !skips_empty_) return true;
    number_ = (offset(tile.begin) - window_us_) / hop_us_ + 1;  // the first to end after it
  }
  return false;
}

bool TimeTiles::find(Tile& tile) {
  while (tile.begin < packets_.size() && offset(tile.begin) < number_ * hop_us_) ++tile.begin;
  if (tile.begin == packets_.size()) return false;
  const TimeUs start = number_ * hop_us_;
  tile.end = std::max(tile.begin, tile.end);
  while (tile.end < packets_.size() && offset(tile.end) - start < window_us_) ++tile.end;
  if (number_ > std::numeric_limits<uint32_t>::max()) {
    fail("a packet comes {} us after the flow's first: too late for windows every {} us",
         offset(tile.begin), hop_us_);
  }
  tile.start_us = packets_[0].time_us + start;
  tile.number = static_cast<uint32_t>(number_);
  return true;
}

void walk_stretches(const std::vector<FlowPacket>& packets, TimeTiles* tiles, bool is_prefix,
                    const std::function<bool(Tile&)>& find_end,
                    const std::function<void(const Tile&)>& cut) {
  for (Tile tile; tile.begin < packets.size();) {
    if (tiles != nullptr && !tiles->next(tile)) return;
    if (tiles == nullptr) tile.start_us = packets[tile.begin].time_us;
    Tile stretch = tile;
    if (!find_end(stretch)) return;
    cut(stretch);
    if (is_prefix) return;
    if (tiles != nullptr) continue;
    tile.begin = stretch.end;
    ++tile.number;
  }
}

}  // namespace flowmark
