#include "feature/histogram/sliced_reader.h"

#include <algorithm>

namespace flowmark {

std::span<uint32_t> SlicedReader::begin(uint32_t packets, const HistogramTables& tables) noexcept {
  std::ranges::fill(sums_, 0U);
  tables_ = &tables;
  packets_ = packets;
  at_ = 0;
  return sums_;
}

bool SlicedReader::step(uint32_t pieces, SparseWindow& out) noexcept {
  if (at_ == 0) out.clear();
  const auto end =
      static_cast<uint32_t>(std::min<uint64_t>(tables_->length, uint64_t{at_} + pieces));
  for (; at_ < end; ++at_) {
    if (sums_[at_] == 0) continue;
    out.push_back({at_, feature_value(tables_->values, sums_[at_], packets_)});
  }
  return at_ == tables_->length;
}

}  // namespace flowmark
