#include "window/sliding_histogram.h"

#include <algorithm>

namespace flowmark {

bool SlidingHistogram::create(const HistogramTables& tables, BlockPool& pool) noexcept {
  return counts_.create(tables.length, pool);
}

void SlidingHistogram::destroy(const HistogramTables& tables, BlockPool& pool) noexcept {
  counts_.destroy(tables.length, pool);
}

void SlidingHistogram::clear(const HistogramTables& tables) noexcept {
  counts_.clear(tables.length);
  oldest_ = newest_;
  packets_ = 0;
}

void SlidingHistogram::retire_oldest(const RecordRing& ring,
                                     const HistogramTables& tables) noexcept {
  const Contribution gone = oldest_.step(ring[packets_], tables);
  for (uint32_t i = 0; i < gone.count; ++i) counts_.remove(gone.bins[i]);
  --packets_;
}

void SlidingHistogram::keep_newest(uint32_t packets, const RecordRing& ring,
                                   const HistogramTables& tables) noexcept {
  if (packets == 0) {
    clear(tables);
    return;
  }
  while (packets_ > packets) retire_oldest(ring, tables);
}

void SlidingHistogram::retire_aged(uint32_t gap_us, const RecordRing& ring,
                                   const HistogramTables& tables) noexcept {
  while (packets_ > 0) {
    // All in the window were younger than it before this gap, so that 32 bits held their age.
    const uint64_t age_us = uint64_t{ring[1].time_us - ring[packets_].time_us} + gap_us;
    if (age_us < tables.window_us) return;
    retire_oldest(ring, tables);
  }
}

bool SlidingHistogram::append(const PacketRecord& record, uint32_t gap_us, const RecordRing& ring,
                              const HistogramTables& tables, BlockPool& pool) noexcept {
  const uint32_t most = std::min(tables.window_packets, ring.capacity);
  while (packets_ >= most) retire_oldest(ring, tables);
  if (tables.window_us != 0) retire_aged(gap_us, ring, tables);

  const Contribution added = newest_.step(record, tables);
  bool had_room = true;
  while (!counts_.reserve(added.count, tables.length, pool)) {
    had_room = false;
    retire_oldest(ring, tables);  // ends: the smallest table has room for one packet
  }
  for (uint32_t i = 0; i < added.count; ++i) counts_.add(added.bins[i]);
  ++packets_;
  return had_room;
}

void SlidingHistogram::features(ValueKind values, const HistogramTables& tables,
                                SparseWindow& out) const noexcept {
  counts_.write(tables.length, out);
  if (packets_ > 0 && tables.has_burst_surge && newest_.has_open_burst()) {
    const uint32_t bin = newest_.open_burst_bin(tables);
    const auto at = std::lower_bound(
        out.begin(), out.end(), bin,
        [](const SparseValue& element, uint32_t index) { return element.index < index; });
    if (at != out.end() && at->index == bin) {
      at->value += 1;
    } else {
      out.insert(at, {bin, 1});
    }
  }
  if (values == ValueKind::count) return;
  for (SparseValue& element : out) {
    element.value = feature_value(values, static_cast<uint32_t>(element.value), packets_);
  }
}

}  // namespace flowmark
