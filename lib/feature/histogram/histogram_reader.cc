#include "feature/histogram/histogram_reader.h"

#include <algorithm>

namespace flowmark {

uint32_t HistogramReader::begin(const HistogramTracker& tracker, uint32_t packets,
                                const RecordRing& ring, const HistogramTables& tables) noexcept {
  if (phase_ != Phase::done) std::ranges::fill(counts_, uint16_t{0});  // left half done
  tracker_ = tracker;
  tables_ = &tables;
  // Where there are no bursts only the time of the packet before the window matters.
  count_ = tables.has_burst_surge ? ring.count : std::min(ring.count, packets + 1);
  ring.copy_newest(count_, records_.data());
  packets_ = packets_within({records_.data(), kMaxRecords, count_, count_}, packets, tables);
  before_ = count_ - packets_;
  at_ = 0;
  phase_ = Phase::count;
  return packets_;
}

void HistogramReader::count(uint32_t records) noexcept {
  const auto end = static_cast<uint32_t>(std::min<uint64_t>(count_, uint64_t{at_} + records));
  const auto some = std::span(records_).subspan(at_, end - at_);
  const size_t passed = std::min<size_t>(some.size(), before_ - std::min(at_, before_));
  tracker_.follow(some.first(passed), *tables_);
  tracker_.count(some.subspan(passed), *tables_, counts_);
  at_ = end;
  if (at_ < count_) return;
  if (packets_ > 0 && tables_->has_burst_surge && tracker_.has_open_burst()) {
    ++counts_[tracker_.open_burst_bin(*tables_)];
  }
  at_ = 0;
  phase_ = Phase::write;
}

void HistogramReader::write(uint64_t bins, SparseWindow& out) noexcept {
  const auto end = static_cast<uint32_t>(std::min<uint64_t>(tables_->length, at_ + bins));
  for (; at_ < end; at_ += kBlock) {
    uint16_t* block = counts_.data() + at_;  // the last one may reach beyond `length`: zeros
    uint16_t any = 0;
    for (uint32_t i = 0; i < kBlock; ++i) any |= block[i];
    if (any == 0) continue;
    for (uint32_t i = 0; i < kBlock; ++i) {
      if (block[i] == 0) continue;
      out.push_back({at_ + i, feature_value(tables_->values, block[i], packets_)});
      block[i] = 0;
    }
  }
  if (end == tables_->length) phase_ = Phase::done;
}

bool HistogramReader::step(uint32_t pieces, SparseWindow& out) noexcept {
  constexpr uint32_t kPixelsPerRecord = 4;  // take about as long
  const uint32_t records = pieces / kPixelsPerRecord;
  constexpr uint32_t kBinsPerRecord = 32;  // about as much work
  if (phase_ == Phase::count) {
    if (at_ == 0) out.clear();
    count(records);
  } else if (phase_ == Phase::write) {
    write(uint64_t{records} * kBinsPerRecord / kBlock * kBlock, out);
  }
  return phase_ == Phase::done;
}

}  // namespace flowmark
