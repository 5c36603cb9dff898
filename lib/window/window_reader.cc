#include "window/window_reader.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace flowmark {
namespace {

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

void HistogramReader::begin(const HistogramTracker& tracker, uint32_t packets,
                            const RecordRing& ring, const HistogramTables& tables) noexcept {
  tracker_ = tracker;
  tables_ = &tables;
  packets_ = packets;
  const uint32_t first = ring.count - packets;
  // Where there are no bursts only the time of the packet before the window matters.
  const uint32_t skipped = tables.has_burst_surge || first == 0 ? 0 : first - 1;
  before_ = first - skipped;
  count_ = ring.count - skipped;
  for (uint32_t i = 0; i < count_; ++i) records_[i] = ring[skipped + i];
  at_ = 0;
  used_ = 0;
  written_ = false;
  if (tables.length <= kArrayLength) std::fill_n(bins_.begin(), tables.length, uint16_t{0});
}

void HistogramReader::add(uint32_t bin) noexcept {
  if (tables_->length <= kArrayLength) {
    ++bins_[bin];
  } else {
    bins_[used_++] = static_cast<uint16_t>(bin);
  }
}

void HistogramReader::write(SparseWindow& out) noexcept {
  if (packets_ > 0 && tables_->has_burst_surge && tracker_.has_open_burst()) {
    add(tracker_.open_burst_bin(*tables_));
  }
  out.clear();
  if (tables_->length <= kArrayLength) {
    write_array(bins_.data(), tables_->length, out);
  } else {
    write_sorted(std::span(bins_).first(used_), out);
  }
  written_ = true;
  at_ = 0;
}

bool HistogramReader::step(uint32_t records, ValueKind values, SparseWindow& out) noexcept {
  if (!written_) {
    const auto end = static_cast<uint32_t>(std::min<uint64_t>(count_, uint64_t{at_} + records));
    for (; at_ < end; ++at_) {
      if (at_ < before_) {
        tracker_.follow(records_[at_], *tables_);
        continue;
      }
      const Contribution added = tracker_.step(records_[at_], *tables_);
      for (uint32_t b = 0; b < added.count; ++b) add(added.bins[b]);
    }
    if (at_ < count_) return false;
    write(out);
    return values == ValueKind::count;
  }
  const auto end = static_cast<uint32_t>(std::min<uint64_t>(out.size(), uint64_t{at_} + records));
  for (; at_ < end; ++at_) {
    out[at_].value = feature_value(values, static_cast<uint32_t>(out[at_].value), packets_);
  }
  return at_ == out.size();
}

}  // namespace flowmark
