#include "feature/histogram/sliding_histogram.h"

#include <algorithm>

#include "feature/histogram/histogram_reader.h"

namespace flowmark {

void SlidingHistogram::added(uint32_t count, uint32_t held,
                             const HistogramTables& tables) noexcept {
  packets_ = static_cast<uint16_t>(std::min({packets_ + count, held, tables.window_packets}));
}

void SlidingHistogram::leave(std::span<const PacketRecord> records,
                             const HistogramTables& tables) noexcept {
  if (records.empty()) return;
  if (!tables.has_burst_surge) records = records.last(1);
  oldest_.follow(records, tables);
}

void SlidingHistogram::keep_newest(uint32_t packets) noexcept {
  packets_ = static_cast<uint16_t>(std::min<uint32_t>(packets_, packets));
}

uint32_t SlidingHistogram::packets(const RecordRing& ring,
                                   const HistogramTables& tables) const noexcept {
  return packets_within(ring, packets_, tables);
}

uint32_t SlidingHistogram::copy_to(HistogramReader& reader, const RecordRing& ring,
                                   const HistogramTables& tables) const noexcept {
  return reader.begin(oldest_, packets_, ring, tables);
}

uint32_t packets_within(const RecordRing& ring, uint32_t packets,
                        const HistogramTables& tables) noexcept {
  if (tables.window_us == 0 || packets == 0) return packets;
  uint64_t age_us = 0;  // neighbours are less than 2^32 us apart, the window's ends perhaps more
  uint32_t kept = 1;
  for (; kept < packets; ++kept) {
    const uint32_t i = ring.count - kept;
    age_us += ring[i].time_us - ring[i - 1].time_us;
    if (age_us >= tables.window_us) break;
  }
  return kept;
}

}  // namespace flowmark
