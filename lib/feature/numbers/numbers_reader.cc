#include "feature/numbers/numbers_reader.h"

#include <algorithm>
#include <cmath>

namespace flowmark {
namespace {

/// A group of numbers takes about as long as so many pixels.
constexpr uint32_t kPixelsPerGroup = 64;
/// Rates of flows that are younger are those over this time.
constexpr uint64_t kLeastRateUs = 10'000;
constexpr double kUsPerMsReal = 1000;
constexpr double kUsPerSecondReal = 1e6;

double share_of(uint64_t part, uint64_t all) noexcept {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

double log_of(uint64_t number) noexcept {
  return std::log1p(static_cast<double>(number));
}

/// ln(1 + so many a second).
double log_rate(uint64_t number, uint64_t us) noexcept {
  const auto span_us = static_cast<double>(std::max(us, kLeastRateUs));
  return std::log1p(static_cast<double>(number) * kUsPerSecondReal / span_us);
}

}  // namespace

double quantile_place(std::span<const uint32_t> counts, double share) noexcept {
  uint64_t total = 0;
  for (const uint32_t count : counts) total += count;
  const double wanted = share * static_cast<double>(total);
  uint64_t before = 0;
  for (size_t bin = 0; bin < counts.size() && total > 0; ++bin) {
    const uint64_t upto = before + counts[bin];
    if (static_cast<double>(upto) >= wanted && counts[bin] > 0) {
      return static_cast<double>(bin) + (wanted - static_cast<double>(before)) / counts[bin];
    }
    before = upto;
  }
  return 0;
}

void NumbersReader::Totals::add(const StretchCounts& stretch, uint64_t us, bool is_over) noexcept {
  covered_us += us;
  for (size_t side = 0; side < 2; ++side) {
    bytes[side] += stretch.bytes[side];
    packets[side] += stretch.packets[side];
    pure_acks[side] += stretch.pure_acks[side];
    for (uint32_t bin = 0; bin < kQuantileBins; ++bin) {
      sizes[side][bin] += stretch.sizes[side][bin];
      gaps[side][bin] += stretch.gaps[side][bin];
    }
  }
  for (size_t b = 0; b < kSilenceBinsUs.size(); ++b) {
    // A stretch that is over ends before `us`; the newest packet lies in a bin of its own.
    bins[b] +=
        is_over ? (us + kSilenceBinsUs[b] - 1) / kSilenceBinsUs[b] : us / kSilenceBinsUs[b] + 1;
    occupied[b] += stretch.occupied[b];
    busiest[b] = std::max(busiest[b], stretch.busiest[b]);
  }
}

void NumbersReader::begin(const FlowCounts& flow, std::span<const StretchCounts> stretches,
                          const NumbersTables& tables) noexcept {
  flow_ = flow;
  first_ = tables.first;
  totals_ = {};
  totals_.add(stretches[0], flow.into_stretch_us(), false);
  if (flow.has_previous()) totals_.add(stretches[1], tables.half_us, true);
  group_ = Group::totals;
  index_ = 0;
}

void NumbersReader::put(double value, SparseWindow& out) noexcept {
  const auto number = static_cast<float>(value);
  if (number != 0) out.push_back({index_, number});
  ++index_;
}

void NumbersReader::put_totals(SparseWindow& out) noexcept {
  put(std::log1p(static_cast<double>(flow_.age_us()) / kUsPerMsReal), out);
  for (const uint64_t packets : totals_.packets) put(log_of(packets), out);
  for (const uint64_t bytes : totals_.bytes) put(log_of(bytes), out);
  for (const uint64_t packets : totals_.packets) put(log_rate(packets, totals_.covered_us), out);
  for (const uint64_t bytes : totals_.bytes) put(log_rate(bytes, totals_.covered_us), out);
  put(share_of(totals_.packets[0], totals_.all_packets()), out);
  put(share_of(totals_.bytes[0], totals_.bytes[0] + totals_.bytes[1]), out);
  for (size_t side = 0; side < 2; ++side) {
    put(share_of(totals_.pure_acks[side], totals_.packets[side]), out);
  }
}

void NumbersReader::put_quantiles(const std::array<std::array<uint32_t, kQuantileBins>, 2>& counts,
                                  SparseWindow& out) noexcept {
  for (const auto& of_side : counts) {
    for (const double share : kQuantiles) put(quantile_place(of_side, share), out);
  }
}

void NumbersReader::put_silence(SparseWindow& out) noexcept {
  for (size_t b = 0; b < kSilenceBinsUs.size(); ++b) {
    put(1 - share_of(totals_.occupied[b], totals_.bins[b]), out);
  }
  for (size_t b = 0; b < kSilenceBinsUs.size(); ++b) {
    const double mean = share_of(totals_.all_packets(), totals_.bins[b]);
    put(mean == 0 ? 0 : std::log1p(totals_.busiest[b] / mean), out);
  }
}

void NumbersReader::put_first(SparseWindow& out) noexcept {
  const uint32_t known = std::min(first_, flow_.first_count());
  for (uint32_t i = 0; i < known; ++i) {
    const double size = log_of(flow_.first_size(i));
    put(flow_.first_is_down(i) ? -size : size, out);
  }
  index_ += first_ - known;
  for (uint32_t i = 0; i < known; ++i) put(log_of(flow_.first_gap_us(i)), out);
}

void NumbersReader::put_group(SparseWindow& out) noexcept {
  switch (group_) {
    case Group::totals:
      out.clear();
      return put_totals(out);
    case Group::sizes:
      return put_quantiles(totals_.sizes, out);
    case Group::gaps:
      return put_quantiles(totals_.gaps, out);
    case Group::silence:
      return put_silence(out);
    case Group::first:
      return put_first(out);
    case Group::done:
      return;
  }
}

bool NumbersReader::step(uint32_t pieces, SparseWindow& out) noexcept {
  for (uint64_t spent = 0; spent < pieces && group_ != Group::done; spent += kPixelsPerGroup) {
    put_group(out);
    group_ = static_cast<Group>(static_cast<uint8_t>(group_) + 1);
  }
  return group_ == Group::done;
}

}  // namespace flowmark
