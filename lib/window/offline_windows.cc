#include "window/offline_windows.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "window/flow_windows.h"

namespace flowmark {
namespace {

/// More than one flow's windows of one spec ever need, while blocks are copied to larger ones too.
constexpr size_t kPoolBytes = 8 * BlockPool::kMaxBlock;

/// Longer gaps are fed shortened: no spec tells them apart, and 32-bit times could not hold them.
constexpr TimeUs kLongestGapUs = 3600 * kUsPerSecond;

using Take = std::function<void(const OfflineWindow&)>;

struct Destroy {
  const WindowPlan& plan;
  BlockPool& pool;
  void operator()(FlowWindows* windows) const noexcept {
    FlowWindows::destroy(windows, plan, pool);
  }
};
using WindowsPointer = std::unique_ptr<FlowWindows, Destroy>;

WindowsPointer make_windows(const WindowPlan& plan, BlockPool& pool) {
  WindowsPointer windows(FlowWindows::create(plan, pool), Destroy{plan, pool});
  if (windows == nullptr) fail("no memory for the windows of a flow");
  return windows;
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

PacketRecord record_of(const FlowPacket& packet, uint32_t time_us) {
  return {time_us, packet.size, static_cast<uint8_t>(packet.direction),
          static_cast<uint8_t>(packet.pure_ack)};
}

/// Packets [begin, end) of a flow that make a window.
struct Tile {
  size_t begin = 0;
  size_t end = 0;
  TimeUs start_us = 0;
  uint32_t number = 0;
};

/// Windows that start every `hop` microseconds from the first packet.
class TimeTiles {
 public:
  TimeTiles(const std::vector<FlowPacket>& packets, TimeUs window_us, TimeUs hop_us,
            bool skips_empty)
      : packets_(packets), window_us_(window_us), hop_us_(hop_us), skips_empty_(skips_empty) {}

  bool next(Tile& tile) {
    if (is_started_) ++number_;
    is_started_ = true;
    while (find(tile)) {
      if (tile.begin < tile.end || !skips_empty_) return true;
      number_ = (offset(tile.begin) - window_us_) / hop_us_ + 1;  // the first to end after it
    }
    return false;
  }

 private:
  bool find(Tile& tile) {
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
  TimeUs offset(size_t i) const { return packets_[i].time_us - packets_[0].time_us; }

  const std::vector<FlowPacket>& packets_;
  TimeUs window_us_;
  TimeUs hop_us_;
  bool skips_empty_;
  TimeUs number_ = 0;
  bool is_started_ = false;
};

TimeUs span_of(const std::vector<FlowPacket>& packets, const Tile& tile) {
  return tile.end > tile.begin ? packets[tile.end - 1].time_us - packets[tile.begin].time_us : 0;
}

/// Adds up the elements of the same index.
void merge(SparseWindow& parts) {
  std::stable_sort(parts.begin(), parts.end(),
                   [](const SparseValue& a, const SparseValue& b) { return a.index < b.index; });
  size_t kept = 0;
  for (const SparseValue& part : parts) {
    if (kept > 0 && parts[kept - 1].index == part.index) {
      parts[kept - 1].value += part.value;
    } else {
      parts[kept++] = part;
    }
  }
  parts.resize(kept);
}

/// Counts of one tile's packets, in parts where there are more pixels than a live picture takes.
void picture_of(const std::vector<FlowPacket>& packets, const Tile& tile, const WindowPlan& counts,
                BlockPool& pool, OfflineWindow& window) {
  const auto direction = packets[tile.begin].direction;
  const WindowsPointer windows = make_windows(counts, pool);
  windows->set_origin(0, counts);
  window.packets = 0;
  window.features.clear();
  SparseWindow part;
  const auto take_part = [&] {
    windows->features(0, direction, counts, part);
    window.packets += windows->packets_in_window(0, direction, counts);
    window.features.insert(window.features.end(), part.begin(), part.end());
    windows->clear_pixels(0, direction, counts, pool);
  };
  for (size_t i = tile.begin; i < tile.end; ++i) {
    if (windows->pixels(0, direction, counts) == FlowWindows::kMaxPixels) take_part();
    const auto time_us = static_cast<uint32_t>(packets[i].time_us - tile.start_us);
    if (windows->append(record_of(packets[i], time_us), counts, pool) !=
        FlowWindows::AppendResult::ok) {
      fail("no memory for the windows of a flow");
    }
  }
  take_part();
  if (window.features.size() != part.size()) merge(window.features);
}

void cut_pictures(const RecordedFlow& flow, Direction direction, const FeatureSpec& spec,
                  const TilingOptions& options, const Take& take) {
  const std::vector<FlowPacket> packets = packets_in_order(flow, &direction);
  if (packets.empty()) return;
  FeatureSpec counted = spec;
  counted.values = ValueKind::count;
  const WindowPlan counts({counted});
  BlockPool pool(kPoolBytes);

  const bool is_prefix = options.prefix_packets > 0 || options.prefix_us > 0;
  TimeUs window_us = spec.picture.window_us;
  const TimeUs hop_us = options.hop_us > 0 ? options.hop_us : window_us;
  if (options.prefix_us > 0) window_us = std::min(window_us, options.prefix_us);
  TimeTiles tiles(packets, window_us, hop_us, options.min_packets > 0);
  OfflineWindow window;
  window.side = direction == Direction::up ? OfflineWindow::Side::up : OfflineWindow::Side::down;
  for (Tile tile; tiles.next(tile);) {
    if (options.prefix_packets > 0) {
      tile.end = std::min(tile.end, tile.begin + options.prefix_packets);
    }
    window.start_us = tile.start_us;
    window.number = tile.number;
    window.span_us = span_of(packets, tile);
    picture_of(packets, tile, counts, pool, window);
    for (SparseValue& element : window.features) {
      element.value =
          feature_value(spec.values, static_cast<uint32_t>(element.value), window.packets);
    }
    if (window.packets >= options.min_packets) take(window);
    if (is_prefix) return;
  }
}

/// Where the packet window that begins with packet `tile.begin` ends. False if it is an incomplete
/// one that does not count.
bool find_end(const std::vector<FlowPacket>& packets, const HistogramSpec& spec,
              const TilingOptions& options, Tile& tile) {
  size_t most = spec.window_packets;
  if (options.prefix_packets > 0) most = std::min<size_t>(most, options.prefix_packets);
  TimeUs window_us = std::numeric_limits<TimeUs>::max();
  if (spec.window_us > 0) window_us = spec.window_us;
  if (options.prefix_us > 0) window_us = std::min(window_us, options.prefix_us);
  const bool may_be_incomplete =
      spec.window_us > 0 || options.prefix_packets > 0 || options.prefix_us > 0;
  const size_t last = std::min(packets.size(), tile.begin + most);
  tile.end = tile.begin;
  while (tile.end < last && packets[tile.end].time_us - tile.start_us < window_us) ++tile.end;
  return may_be_incomplete || tile.end - tile.begin == most;
}

/// Feeds a flow's packets once, in order, and shows the windows that end on the way.
class HistogramCutter {
 public:
  HistogramCutter(const std::vector<FlowPacket>& packets, const FeatureSpec& spec)
      : packets_(packets), plan_({spec}), pool_(kPoolBytes), windows_(make_windows(plan_, pool_)) {}

  /// Neither end of a tile may lie before that of the tile before.
  void show(const Tile& tile, OfflineWindow& window) {
    for (; fed_ < tile.end; ++fed_) feed();
    windows_->keep_newest(0, static_cast<uint32_t>(tile.end - tile.begin), plan_);
    window.number = tile.number;
    window.span_us = span_of(packets_, tile);
    window.packets = windows_->packets_in_window(0, Direction::up, plan_);
    window.start_us = window.packets > 0 ? packets_[tile.begin].time_us : tile.start_us;
    windows_->features(0, Direction::up, plan_, window.features);
  }

 private:
  void feed() {
    const TimeUs gap_us = fed_ > 0 ? packets_[fed_].time_us - packets_[fed_ - 1].time_us : 0;
    clock_us_ += static_cast<uint32_t>(std::min(gap_us, kLongestGapUs));
    if (windows_->append(record_of(packets_[fed_], clock_us_), plan_, pool_) !=
        FlowWindows::AppendResult::ok) {
      fail("no memory for the windows of a flow");
    }
  }

  const std::vector<FlowPacket>& packets_;
  WindowPlan plan_;
  BlockPool pool_;
  WindowsPointer windows_;
  size_t fed_ = 0;
  uint32_t clock_us_ = 0;
};

void cut_histograms(const RecordedFlow& flow, const FeatureSpec& spec, const TilingOptions& options,
                    const Take& take) {
  const std::vector<FlowPacket> packets = packets_in_order(flow, nullptr);
  if (packets.empty()) return;
  HistogramCutter cutter(packets, spec);
  const HistogramSpec& histogram = spec.histogram;
  const bool is_prefix = options.prefix_packets > 0 || options.prefix_us > 0;
  const bool has_hop = histogram.window_us > 0 && options.hop_us > 0;
  TimeTiles tiles(packets, histogram.window_us, has_hop ? options.hop_us : 1,
                  options.min_packets > 0);
  OfflineWindow window;
  for (Tile tile; tile.begin < packets.size();) {
    if (has_hop && !tiles.next(tile)) return;
    if (!has_hop) tile.start_us = packets[tile.begin].time_us;
    Tile cut = tile;
    if (!find_end(packets, histogram, options, cut)) return;
    cutter.show(cut, window);
    if (window.packets >= options.min_packets) take(window);
    if (is_prefix) return;
    if (has_hop) continue;
    tile.begin = cut.end;
    ++tile.number;
  }
}

}  // namespace

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

void cut_windows(const RecordedFlow& flow, const FeatureSpec& spec, const TilingOptions& options,
                 const std::function<void(const OfflineWindow&)>& take) {
  spec.check("feature specification");
  if (options.hop_us < 0) fail("hop: {} us is negative", options.hop_us);
  if (spec.is_picture()) {
    cut_pictures(flow, Direction::up, spec, options, take);
    cut_pictures(flow, Direction::down, spec, options, take);
  } else {
    cut_histograms(flow, spec, options, take);
  }
}

}  // namespace flowmark
