#include "feature/histogram/sliced_histogram.h"

#include <algorithm>

#include "feature/histogram/sliced_reader.h"

namespace flowmark {
namespace {

size_t bytes_of(const HistogramTables& tables) noexcept {
  return size_t{tables.slices} * tables.length * sizeof(uint16_t);
}

}  // namespace

void SlicedHistogram::destroy(const HistogramTables& tables, BlockPool& pool) noexcept {
  pool.release(counts_, bytes_of(tables));
  counts_ = nullptr;
}

bool SlicedHistogram::reserve(uint64_t first_us, const HistogramTables& tables,
                              BlockPool& pool) noexcept {
  if (counts_ != nullptr) return true;
  counts_ = static_cast<uint16_t*>(pool.allocate(bytes_of(tables)));
  if (counts_ == nullptr) return false;
  std::fill_n(counts_, size_t{tables.slices} * tables.length, uint16_t{0});
  slice_us_ = first_us;
  return true;
}

/// Makes the slice that a time lies in the newest one.
void SlicedHistogram::move_to(uint64_t time_us, const HistogramTables& tables) noexcept {
  const uint64_t steps = (time_us - slice_us_) / tables.slice_us;
  slice_us_ += steps * tables.slice_us;
  for (uint64_t i = 0; i < std::min<uint64_t>(steps, tables.slices); ++i) {
    newest_ = static_cast<uint8_t>((newest_ + 1U) % tables.slices);
    packets_[newest_] = 0;
    std::ranges::fill(counts_of(newest_, tables), uint16_t{0});
  }
}

/// No count of a slice exceeds its packets, so that halves do not either.
void SlicedHistogram::halve_newest(const HistogramTables& tables) noexcept {
  packets_[newest_] = static_cast<uint16_t>(packets_[newest_] / 2);
  for (uint16_t& count : counts_of(newest_, tables)) count = static_cast<uint16_t>(count / 2);
}

/// Counts records that all lie in the newest slice.
void SlicedHistogram::count(std::span<const PacketRecord> records,
                            const HistogramTables& tables) noexcept {
  while (!records.empty()) {
    if (packets_[newest_] == kMostPackets) halve_newest(tables);
    const auto some =
        records.first(std::min<size_t>(records.size(), kMostPackets - packets_[newest_]));
    tracker_.count(some, tables, counts_of(newest_, tables));
    packets_[newest_] = static_cast<uint16_t>(packets_[newest_] + some.size());
    records = records.subspan(some.size());
  }
}

AppendResult SlicedHistogram::draw(std::span<const PacketRecord> records, uint64_t before_us,
                                   const HistogramTables& tables, BlockPool& pool) noexcept {
  uint64_t time_us = before_us;
  const auto time_after = [](uint64_t before, const PacketRecord& record) {
    return before + (record.time_us - static_cast<uint32_t>(before));
  };
  while (!records.empty()) {
    time_us = time_after(time_us, records[0]);
    if (!reserve(time_us, tables, pool)) return AppendResult::out_of_memory;
    move_to(time_us, tables);
    size_t same = 1;
    for (; same < records.size(); ++same) {
      const uint64_t next_us = time_after(time_us, records[same]);
      if (next_us - slice_us_ >= tables.slice_us) break;
      time_us = next_us;
    }
    count(records.first(same), tables);
    records = records.subspan(same);
  }
  return AppendResult::ok;
}

uint32_t SlicedHistogram::packets() const noexcept {
  uint32_t sum = 0;
  for (const uint16_t packets : packets_) sum += packets;
  return sum;
}

uint32_t SlicedHistogram::copy_to(SlicedReader& reader,
                                  const HistogramTables& tables) const noexcept {
  const uint32_t in_window = packets();
  const std::span<uint32_t> sums = reader.begin(in_window, tables);
  for (uint32_t slice = 0; slice < tables.slices && counts_ != nullptr; ++slice) {
    if (packets_[slice] == 0) continue;
    const std::span<const uint16_t> counts = counts_of(slice, tables);
    for (uint32_t bin = 0; bin < tables.length; ++bin) sums[bin] += counts[bin];
  }
  if (in_window > 0 && tables.has_burst_surge && tracker_.has_open_burst()) {
    ++sums[tracker_.open_burst_bin(tables)];
  }
  return in_window;
}

}  // namespace flowmark
