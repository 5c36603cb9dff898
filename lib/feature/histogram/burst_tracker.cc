#include "feature/histogram/burst_tracker.h"

#include <limits>

namespace flowmark {
namespace {

uint32_t add_saturated(uint32_t a, uint32_t b) noexcept {
  const uint32_t sum = a + b;
  return sum < a ? std::numeric_limits<uint32_t>::max() : sum;
}

/// Rows of a signed axis: upstream bins first.
uint32_t cell(uint32_t direction, const LogBins& rows, uint32_t row_value, const LogBins& columns,
              uint32_t column_value) noexcept {
  const uint32_t row = direction * rows.bins() + rows.bin(row_value);
  return row * columns.bins() + columns.bin(column_value);
}

}  // namespace

HistogramTables::HistogramTables(const HistogramSpec& spec, ValueKind value_kind)
    : window_packets(spec.window_packets),
      window_us(static_cast<uint32_t>(spec.window_us)),
      slices(spec.slices),
      slice_us(spec.slices == 0 ? 0 : static_cast<uint32_t>(spec.window_us) / spec.slices),
      length(length_of(spec)),
      surge_gap_us(static_cast<uint32_t>(spec.surge_gap_us)),
      values(value_kind),
      has_size_iat(spec.has_size_iat()),
      has_burst_surge(spec.has_burst_surge()),
      burst_surge_start(0),
      most_bins(0),
      size(spec.size),
      iat_us(spec.iat_us),
      burst_bytes(spec.burst_bytes),
      surge_us(spec.surge_us) {
  if (has_size_iat) {
    burst_surge_start = 2 * size.bins() * iat_us.bins();
    most_bins += window_packets;
  }
  if (has_burst_surge) most_bins += window_packets + 1;
  if (most_bins > length) most_bins = length;
}

/// The time since the packet before.
inline uint32_t HistogramTracker::pass_time(uint32_t time_us) noexcept {
  const uint32_t iat_us = is_started_ ? time_us - time_us_ : 0;
  is_started_ = true;
  time_us_ = time_us;
  since_data_us_ = add_saturated(since_data_us_, iat_us);
  return iat_us;
}

inline void HistogramTracker::add_data(const PacketRecord& record, bool is_new_surge) noexcept {
  surge_us_ = is_new_surge ? 0 : add_saturated(surge_us_, since_data_us_);
  since_data_us_ = 0;
  burst_bytes_ = add_saturated(burst_bytes_, record.size);
  direction_ = record.direction;
  is_open_ = true;
}

uint32_t HistogramTracker::open_burst_bin(const HistogramTables& tables) const noexcept {
  return tables.burst_surge_start +
         cell(direction_, tables.burst_bytes, burst_bytes_, tables.surge_us, surge_us_);
}

inline void HistogramTracker::count(const PacketRecord& record, const HistogramTables& tables,
                                    uint16_t* counts) noexcept {
  const uint32_t iat_us = pass_time(record.time_us);
  if (tables.has_size_iat) {
    ++counts[cell(record.direction, tables.size, record.size, tables.iat_us, iat_us)];
  }
  if (!tables.has_burst_surge || record.pure_ack != 0) return;
  const bool is_new_surge = begins_surge(tables.surge_gap_us);
  if (is_open_ && (is_new_surge || record.direction != direction_)) {
    ++counts[open_burst_bin(tables)];
    burst_bytes_ = 0;
  }
  add_data(record, is_new_surge);
}

inline void HistogramTracker::follow(const PacketRecord& record,
                                     const HistogramTables& tables) noexcept {
  pass_time(record.time_us);
  if (!tables.has_burst_surge || record.pure_ack != 0) return;
  const bool is_new_surge = begins_surge(tables.surge_gap_us);
  if (is_new_surge || record.direction != direction_) burst_bytes_ = 0;
  add_data(record, is_new_surge);
}

// On a copy, which can stay in registers.
void HistogramTracker::count(std::span<const PacketRecord> records, const HistogramTables& tables,
                             std::span<uint16_t> counts) noexcept {
  HistogramTracker now = *this;
  for (const PacketRecord& record : records) now.count(record, tables, counts.data());
  *this = now;
}

void HistogramTracker::follow(std::span<const PacketRecord> records,
                              const HistogramTables& tables) noexcept {
  HistogramTracker now = *this;
  for (const PacketRecord& record : records) now.follow(record, tables);
  *this = now;
}

}  // namespace flowmark
