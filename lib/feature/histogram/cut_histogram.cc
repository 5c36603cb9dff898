// Histograms of recorded flows, through those of live ones.
#include <algorithm>
#include <array>
#include <limits>

#include "feature/histogram/histogram.h"
#include "feature/histogram/histogram_reader.h"
#include "feature/histogram/sliding_histogram.h"
#include "feature/tiles.h"

namespace flowmark {
namespace {

/// Longer gaps are fed shortened: no spec tells them apart, and 32-bit times could not hold them.
constexpr TimeUs kLongestGapUs = 3600 * kUsPerSecond;

/// Where the packet window that begins with packet `tile.begin` ends. False if it is an incomplete
/// one that does not count.
bool find_end(const std::vector<FlowPacket>& packets, const HistogramSpec& spec,
              const TilingOptions& options, Tile& tile) {
  size_t most = spec.window_packets;
  if (options.prefix_packets > 0) most = std::min<size_t>(most, options.prefix_packets);
  TimeUs window_us = std::numeric_limits<TimeUs>::max();
  if (spec.window_us > 0) window_us = spec.window_us;
  if (options.prefix_us > 0) window_us = std::min(window_us, options.prefix_us);
  const bool may_be_incomplete = spec.window_us > 0 || options.is_prefix();
  const size_t last = std::min(packets.size(), tile.begin + most);
  tile.end = tile.begin;
  while (tile.end < last && packets[tile.end].time_us - tile.start_us < window_us) ++tile.end;
  return may_be_incomplete || tile.end - tile.begin == most;
}

/// Feeds a flow's packets once, in order, and shows the windows that end on the way.
class HistogramCutter {
 public:
  HistogramCutter(const std::vector<FlowPacket>& packets, const HistogramSpec& spec,
                  ValueKind values)
      : packets_(packets), tables_(spec, values), reader_(tables_.length) {}

  /// Neither end of a tile may lie before that of the tile before.
  void show(const Tile& tile, OfflineWindow& window) {
    for (; fed_ < tile.end; ++fed_) feed();
    histogram_.keep_newest(static_cast<uint32_t>(tile.end - tile.begin));
    window.number = tile.number;
    window.span_us = span_of(packets_, tile);
    window.packets = histogram_.copy_to(reader_, ring(), tables_);
    window.start_us = window.packets > 0 ? packets_[tile.begin].time_us : tile.start_us;
    while (!reader_.step(UINT32_MAX, window.features)) {
    }
  }

 private:
  static constexpr uint32_t kCapacity = HistogramReader::kMaxRecords;

  RecordRing ring() const { return {records_.data(), kCapacity, next_, held_}; }

  void feed() {
    const FlowPacket& packet = packets_[fed_];
    const TimeUs gap_us = fed_ > 0 ? packet.time_us - packets_[fed_ - 1].time_us : 0;
    clock_us_ += static_cast<uint32_t>(std::min(gap_us, kLongestGapUs));
    if (held_ == kCapacity) {
      histogram_.leave({&records_[next_], 1}, tables_);
      --held_;
    }
    records_[next_] = make_record(clock_us_, packet.size, packet.direction, packet.pure_ack);
    next_ = (next_ + 1) % kCapacity;
    histogram_.added(1, ++held_, tables_);
  }

  const std::vector<FlowPacket>& packets_;
  HistogramTables tables_;
  HistogramReader reader_;
  SlidingHistogram histogram_;
  std::array<PacketRecord, kCapacity> records_{};
  uint32_t next_ = 0;
  uint32_t held_ = 0;
  size_t fed_ = 0;
  uint32_t clock_us_ = 0;
};

}  // namespace

void cut_histograms(const RecordedFlow& flow, const HistogramSpec& spec, ValueKind values,
                    const TilingOptions& options, const TakeWindow& take) {
  const std::vector<FlowPacket> packets = packets_in_order(flow, nullptr);
  if (packets.empty()) return;
  HistogramCutter cutter(packets, spec, values);
  const bool has_hop = spec.window_us > 0 && options.hop_us > 0;
  TimeTiles tiles(packets, spec.window_us, has_hop ? options.hop_us : 1, options.min_packets > 0);
  OfflineWindow window;
  walk_stretches(
      packets, has_hop ? &tiles : nullptr, options.is_prefix(),
      [&](Tile& tile) { return find_end(packets, spec, options, tile); },
      [&](const Tile& tile) {
        cutter.show(tile, window);
        if (window.packets >= options.min_packets) take(window);
      });
}

}  // namespace flowmark
