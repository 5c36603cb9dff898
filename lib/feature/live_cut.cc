#include "feature/live_cut.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "base/error.h"
#include "feature/live_feature.h"
#include "feature/tiles.h"

namespace flowmark {
namespace {

constexpr TimeUs kLongestGapUs = 3600 * kUsPerSecond;
constexpr uint32_t kRingCapacity = 1024;
/// More than the windows of one flow ever need, while blocks are copied to larger ones too.
constexpr size_t kPoolBytes = 64 * BlockPool::kMaxBlock;

/// A flow's live window, fed from its recorded packets.
class FedWindow {
 public:
  FedWindow(const std::vector<FlowPacket>& packets, const LiveFeature& live, const FlowFacts& facts)
      : packets_(packets),
        live_(live),
        pool_(kPoolBytes),
        reader_(live.make_reader()),
        state_((live.state_bytes() + sizeof(uint64_t) - 1) / sizeof(uint64_t)) {
    live_.create(state_.data(), facts);
  }
  ~FedWindow() { live_.destroy(state_.data(), pool_); }
  FedWindow(const FedWindow&) = delete;
  FedWindow& operator=(const FedWindow&) = delete;

  /// The window when the packets [0, end) have come.
  void show(size_t end, OfflineWindow& window) {
    for (; fed_ < end; ++fed_) feed();
    window.packets = live_.begin_read(state_.data(), Direction::up, ring(), *reader_);
    while (!reader_->step(UINT32_MAX, window.features)) {
    }
  }

 private:
  RecordRing ring() const { return {records_.data(), kRingCapacity, next_, held_}; }

  void feed() {
    const FlowPacket& packet = packets_[fed_];
    const TimeUs gap_us = fed_ > 0 ? packet.time_us - packets_[fed_ - 1].time_us : 0;
    const uint64_t before_us = clock_us_;
    clock_us_ += static_cast<uint64_t>(std::min(gap_us, kLongestGapUs));
    if (held_ == kRingCapacity) {
      live_.leave(state_.data(), {&records_[next_], 1});
      --held_;
    }
    records_[next_] = make_record(static_cast<uint32_t>(clock_us_), packet.size, packet.direction,
                                  packet.pure_ack);
    next_ = (next_ + 1) % kRingCapacity;
    live_.added(state_.data(), 1, ++held_);
    if (!live_.draws()) return;
    if (live_.draw(state_.data(), ring(), held_ - 1, 1, before_us, pool_) ==
        AppendResult::out_of_memory) {
      fail("no memory for the window of a flow");
    }
  }

  const std::vector<FlowPacket>& packets_;
  const LiveFeature& live_;
  BlockPool pool_;
  std::unique_ptr<FeatureReader> reader_;
  std::vector<uint64_t> state_;  ///< as aligned as a state must be
  std::array<PacketRecord, kRingCapacity> records_{};
  uint32_t next_ = 0;
  uint32_t held_ = 0;
  size_t fed_ = 0;
  uint64_t clock_us_ = 0;
};

/// What limits a stretch.
struct Limits {
  size_t packets = std::numeric_limits<size_t>::max();
  TimeUs us = std::numeric_limits<TimeUs>::max();

  Limits(uint32_t most_packets, TimeUs most_us) {
    if (most_packets > 0) packets = most_packets;
    if (most_us > 0) us = most_us;
  }
  /// The packet behind the last of a stretch that begins with packet `begin` at `start_us`.
  size_t end_of(const std::vector<FlowPacket>& of, size_t begin, TimeUs start_us) const {
    size_t end = begin;
    while (end < of.size() && end - begin < packets && of[end].time_us - start_us < us) ++end;
    return end;
  }
};

}  // namespace

void cut_live(const RecordedFlow& flow, const Feature& feature, const TilingOptions& options,
              const TakeWindow& take) {
  const std::vector<FlowPacket> packets = packets_in_order(flow, nullptr);
  if (packets.empty()) return;
  const std::unique_ptr<const LiveFeature> live = feature.live();
  FedWindow window_of_flow(packets, *live, facts_of(flow));
  const WindowExtent extent = feature.extent();
  const Limits limits = options.is_prefix() ? Limits(options.prefix_packets, options.prefix_us)
                                            : Limits(extent.packets, extent.time_us);
  const bool has_hop = extent.time_us > 0 && options.hop_us > 0;
  const bool must_be_full = extent.time_us == 0 && extent.packets > 0 && !options.is_prefix();
  TimeTiles tiles(packets, extent.time_us, has_hop ? options.hop_us : 1, true);
  const auto find_end = [&](Tile& tile) {
    tile.end = limits.end_of(packets, tile.begin, tile.start_us);
    return !must_be_full || tile.end - tile.begin == limits.packets;
  };
  OfflineWindow window;
  walk_stretches(packets, has_hop ? &tiles : nullptr, options.is_prefix(), find_end,
                 [&](const Tile& tile) {
                   window.start_us = packets[tile.begin].time_us;
                   window.number = tile.number;
                   window.span_us = span_of(packets, tile);
                   window_of_flow.show(tile.end, window);
                   if (window.packets >= options.min_packets) take(window);
                 });
}

}  // namespace flowmark
