#include "unit/window/reference.h"

#include <algorithm>
#include <cmath>

namespace flowmark::reference {
namespace {

/// The edges of a LogAxis as feature/log_bins.h gives them for numpy.
class Axis {
 public:
  explicit Axis(const LogAxis& axis) : bins(axis.bins) {
    for (uint32_t i = 1; i < bins; ++i) {
      const double ratio = std::pow(axis.max / axis.min, double(i) / bins);
      edges_.push_back(std::ceil(axis.min * ratio * (1 - 1e-12)));
    }
  }
  uint32_t bin(int64_t value) const {
    uint32_t reached = 0;
    for (const double edge : edges_) reached += double(value) >= edge ? 1 : 0;
    return reached;
  }
  const uint32_t bins;

 private:
  std::vector<double> edges_;
};

uint32_t cell(Direction direction, const Axis& rows, int64_t row_value, const Axis& columns,
              int64_t column_value) {
  const uint32_t row = rows.bin(row_value) + (direction == Direction::down ? rows.bins : 0);
  return row * columns.bins + columns.bin(column_value);
}

struct Burst {
  Direction direction;
  int64_t bytes;
  TimeUs surge_us;
  size_t ended_by;  ///< index of a packet of the flow; its size if none
};

/// All bursts of the first `end` packets of a flow.
std::vector<Burst> bursts_of(const Packets& flow, size_t end, TimeUs surge_gap_us) {
  std::vector<size_t> data;
  for (size_t i = 0; i < end; ++i) {
    if (!flow[i].pure_ack) data.push_back(i);
  }
  std::vector<Burst> bursts;
  TimeUs surge_start = 0;
  for (size_t first = 0; first < data.size();) {
    const auto gap_before = [&](size_t k) {
      return flow[data[k]].time_us - flow[data[k - 1]].time_us;
    };
    if (first == 0 || gap_before(first) > surge_gap_us) surge_start = flow[data[first]].time_us;
    const Direction direction = flow[data[first]].direction;
    size_t last = first;
    while (last + 1 < data.size() && flow[data[last + 1]].direction == direction &&
           gap_before(last + 1) <= surge_gap_us) {
      ++last;
    }
    int64_t bytes = 0;
    for (size_t k = first; k <= last; ++k) bytes += flow[data[k]].size;
    bursts.push_back({direction, bytes, flow[data[last]].time_us - surge_start,
                      last + 1 < data.size() ? data[last + 1] : flow.size()});
    first = last + 1;
  }
  return bursts;
}

}  // namespace

Packets in_order(Packets packets) {
  for (size_t i = 1; i < packets.size(); ++i) {
    packets[i].time_us = std::max(packets[i].time_us, packets[i - 1].time_us);
  }
  return packets;
}

Packets of_direction(const Packets& packets, Direction direction) {
  Packets chosen;
  for (const FlowPacket& packet : packets) {
    if (packet.direction == direction) chosen.push_back(packet);
  }
  return chosen;
}

Counts picture(const Packets& packets, TimeUs start_us, const PictureSpec& spec) {
  Counts counts;
  for (const FlowPacket& packet : packets) {
    const TimeUs at = packet.time_us - start_us;
    if (at < 0 || at >= spec.window_us) continue;
    if (packet.size == 0 || packet.size > spec.max_size) continue;
    const auto column = static_cast<uint32_t>(at * spec.time_bins / spec.window_us);
    const uint32_t row = (packet.size - 1U) * spec.size_bins / spec.max_size;
    ++counts[row * spec.time_bins + column];
  }
  return counts;
}

Counts sliding_picture(const Packets& packets, const PictureSpec& spec) {
  Counts counts;
  if (packets.empty()) return counts;
  const TimeUs origin = packets[0].time_us;
  const auto column_of = [&](const FlowPacket& packet) {
    return (packet.time_us - origin) * spec.time_bins / spec.window_us;
  };
  const int64_t first =
      std::max<int64_t>(0, column_of(packets.back()) - int64_t{spec.time_bins} + 1);
  for (const FlowPacket& packet : packets) {
    if (packet.size == 0 || packet.size > spec.max_size || column_of(packet) < first) continue;
    const uint32_t row = (packet.size - 1U) * spec.size_bins / spec.max_size;
    ++counts[row * spec.time_bins + static_cast<uint32_t>(column_of(packet) - first)];
  }
  return counts;
}

Counts histogram(const Packets& flow, size_t begin, size_t end, const FeatureSpec& spec) {
  Counts counts;
  if (begin == end) return counts;
  const HistogramSpec& axes = histogram_of(spec);
  uint32_t start = 0;
  if (axes.has_size_iat()) {
    const Axis size(axes.size);
    const Axis iat_us(axes.iat_us);
    for (size_t i = begin; i < end; ++i) {
      const TimeUs iat = i == 0 ? 0 : flow[i].time_us - flow[i - 1].time_us;
      ++counts[cell(flow[i].direction, size, flow[i].size, iat_us, iat)];
    }
    start = 2 * axes.size.bins * axes.iat_us.bins;
  }
  if (axes.has_burst_surge()) {
    const Axis bytes(axes.burst_bytes);
    const Axis surge_us(axes.surge_us);
    for (const Burst& burst : bursts_of(flow, end, axes.surge_gap_us)) {
      const bool is_open = burst.ended_by >= end;
      if (!is_open && burst.ended_by < begin) continue;
      ++counts[start + cell(burst.direction, bytes, burst.bytes, surge_us, burst.surge_us)];
    }
  }
  return counts;
}

size_t window_begin(const Packets& flow, size_t end, const HistogramSpec& spec) {
  size_t begin = end - std::min<size_t>(end, spec.window_packets);
  while (spec.window_us > 0 && begin < end &&
         flow[end - 1].time_us - flow[begin].time_us >= spec.window_us) {
    ++begin;
  }
  return begin;
}

uint32_t total(const Counts& counts) {
  uint32_t sum = 0;
  for (const auto& [index, count] : counts) sum += count;
  return sum;
}

SparseWindow values(const Counts& counts, ValueKind kind, uint32_t packets) {
  SparseWindow window;
  for (const auto& [index, count] : counts) {
    double value = count;
    if (kind == ValueKind::binary) value = 1;
    if (kind == ValueKind::fraction) value = float(count) / float(packets);
    if (kind == ValueKind::log1p) value = std::log(1.0 + count);
    window.push_back({index, static_cast<float>(value)});
  }
  return window;
}

Packets random_flow(uint64_t seed, const Shape& shape) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> chance(0, 1);
  std::exponential_distribution<double> gap(1 / shape.mean_gap_us);
  const uint16_t usual[] = {52, 1500, 1500, 1400, 40, 577};
  const uint16_t odd[] = {0, 1, 1499, 1500, 1501, 65535};
  Packets packets;
  TimeUs now = 1'700'000'000'000'000 + static_cast<TimeUs>(random() % 5'000'000'000);
  Direction direction = Direction::up;
  for (size_t i = 0; i < shape.packets; ++i) {
    if (chance(random) < 0.5) now += static_cast<TimeUs>(gap(random));  // else at the same time
    if (chance(random) < shape.pause_chance) now += static_cast<TimeUs>(random() % 90'000'000);
    if (chance(random) < 0.3) {
      direction = direction == Direction::up ? Direction::down : Direction::up;
    }
    FlowPacket packet;
    packet.time_us = now;
    if (chance(random) < shape.back_chance) {
      packet.time_us -= static_cast<TimeUs>(random() % 100'000);
    }
    packet.direction = shape.only_up ? Direction::up : direction;
    packet.size = chance(random) < 0.6 ? usual[random() % 6] : uint16_t(40 + random() % 1461);
    if (shape.odd_sizes && chance(random) < 0.3) packet.size = odd[random() % 6];
    packet.pure_ack = chance(random) < shape.ack_chance;
    packets.push_back(packet);
  }
  return packets;
}

}  // namespace flowmark::reference
