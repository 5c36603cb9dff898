#include "window/sliding_histogram.h"

#include <algorithm>
#include <cstring>

#include "window/flow_windows.h"

namespace flowmark {
namespace {

/// Histograms up to this length are counted in an array, longer ones by sorting the bins.
constexpr uint32_t kArrayLength = 4096;
/// What a window's packets can add: two bins each, and the open burst.
constexpr uint32_t kMostBins = 2 * FlowWindows::kRingCapacity + 1;

/// Calls add(bin) for all that the newest `packets` records add, and for the open burst.
template <typename Add>
void count_window(HistogramTracker tracker, uint32_t packets, const RecordRing& ring,
                  const HistogramTables& tables, Add add) noexcept {
  const uint32_t begin = ring.count - packets;
  // Where there are no bursts only the time of the packet before the window matters.
  const uint32_t skipped = tables.has_burst_surge || begin == 0 ? 0 : begin - 1;
  for (uint32_t i = skipped; i < begin; ++i) tracker.follow(ring[i], tables);
  for (uint32_t i = begin; i < ring.count; ++i) {
    const Contribution added = tracker.step(ring[i], tables);
    for (uint32_t b = 0; b < added.count; ++b) add(added.bins[b]);
  }
  if (packets > 0 && tables.has_burst_surge && tracker.has_open_burst()) {
    add(tracker.open_burst_bin(tables));
  }
}

void write_array(const uint16_t* counts, uint32_t length, SparseWindow& out) noexcept {
  uint32_t bin = 0;
  for (; bin + 4 <= length; bin += 4) {  // mostly empty: four at a time
    uint64_t four = 0;
    std::memcpy(&four, counts + bin, sizeof(four));
    if (four == 0) continue;
    for (uint32_t i = bin; i < bin + 4; ++i) {
      if (counts[i] != 0) out.push_back({i, static_cast<float>(counts[i])});
    }
  }
  for (; bin < length; ++bin) {
    if (counts[bin] != 0) out.push_back({bin, static_cast<float>(counts[bin])});
  }
}

void write_sorted(std::span<uint16_t> bins, SparseWindow& out) noexcept {
  std::sort(bins.begin(), bins.end());
  for (const uint16_t bin : bins) {
    if (out.empty() || out.back().index != bin) out.push_back({bin, 0});
    out.back().value += 1;
  }
}

}  // namespace

void SlidingHistogram::added(uint32_t count, uint32_t held,
                             const HistogramTables& tables) noexcept {
  packets_ = static_cast<uint16_t>(std::min({packets_ + count, held, tables.window_packets}));
}

void SlidingHistogram::leave(std::span<const PacketRecord> records,
                             const HistogramTables& tables) noexcept {
  if (records.empty()) return;
  if (!tables.has_burst_surge) records = records.last(1);
  HistogramTracker tracker = oldest_;
  for (const PacketRecord& record : records) tracker.follow(record, tables);
  oldest_ = tracker;
}

void SlidingHistogram::keep_newest(uint32_t packets) noexcept {
  packets_ = static_cast<uint16_t>(std::min<uint32_t>(packets_, packets));
}

uint32_t SlidingHistogram::packets(const RecordRing& ring,
                                   const HistogramTables& tables) const noexcept {
  if (tables.window_us == 0 || packets_ == 0) return packets_;
  uint64_t age_us = 0;  // neighbours are less than 2^32 us apart, the window's ends perhaps more
  uint32_t kept = 1;
  for (; kept < packets_; ++kept) {
    const uint32_t i = ring.count - kept;
    age_us += ring[i].time_us - ring[i - 1].time_us;
    if (age_us >= tables.window_us) break;
  }
  return kept;
}

void SlidingHistogram::features(ValueKind values, const RecordRing& ring,
                                const HistogramTables& tables, SparseWindow& out) const noexcept {
  out.clear();
  const uint32_t count = packets(ring, tables);
  if (tables.length <= kArrayLength) {
    uint16_t counts[kArrayLength];
    std::memset(counts, 0, tables.length * sizeof(counts[0]));
    count_window(oldest_, count, ring, tables, [&counts](uint32_t bin) { ++counts[bin]; });
    write_array(counts, tables.length, out);
  } else {
    uint16_t bins[kMostBins];
    uint32_t used = 0;
    count_window(oldest_, count, ring, tables,
                 [&](uint32_t bin) { bins[used++] = static_cast<uint16_t>(bin); });
    write_sorted(std::span(bins, used), out);
  }
  if (values == ValueKind::count) return;
  for (SparseValue& element : out) {
    element.value = feature_value(values, static_cast<uint32_t>(element.value), count);
  }
}

}  // namespace flowmark
