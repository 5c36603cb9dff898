#include "feature/numbers/flow_counts.h"

#include <algorithm>
#include <limits>

namespace flowmark {
namespace {

constexpr LogAxis kSizeAxis{kQuantileBins, 40, 1500};
constexpr LogAxis kGapAxisUs{kQuantileBins, 10, 10e6};

uint32_t capped(uint64_t value) noexcept {
  return static_cast<uint32_t>(std::min<uint64_t>(value, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

NumbersTables::NumbersTables(const FlowNumbersSpec& spec)
    : first(spec.first),
      half_us(static_cast<uint64_t>(spec.window_us) / 2),
      sizes(kSizeAxis),
      gaps_us(kGapAxisUs) {}

/// Begins the stretch that a time lies in, if it is not the newest one already.
void FlowCounts::move_stretch(uint64_t time_us, uint64_t half_us,
                              std::span<StretchCounts> stretches) noexcept {
  if (half_us == 0 || time_us - stretch_us_ < half_us) return;
  const uint64_t steps = (time_us - stretch_us_) / half_us;
  stretches[1] = steps == 1 ? stretches[0] : StretchCounts{};
  stretches[0] = StretchCounts{};
  stretch_us_ += steps * half_us;
  has_previous_ = true;
}

void FlowCounts::keep_first(const PacketRecord& record, uint64_t gap_us) noexcept {
  first_sizes_[first_count_] = record.size;
  first_gaps_us_[first_count_] = capped(gap_us);
  first_down_ = static_cast<uint16_t>(first_down_ | (record.direction << first_count_));
  ++first_count_;
}

void FlowCounts::add(const PacketRecord& record, uint64_t time_us, const NumbersTables& tables,
                     std::span<StretchCounts> stretches) noexcept {
  if (!spoken_[0] && !spoken_[1]) begin_us_ = newest_us_ = stretch_us_ = time_us;
  if (first_count_ < tables.first) keep_first(record, time_us - newest_us_);
  move_stretch(time_us, tables.half_us, stretches);
  const size_t side = record.direction;
  CountedPacket packet;
  packet.offset_us = time_us - stretch_us_;
  packet.previous_us = stretches[0].is_empty() ? 0 : newest_us_ - stretch_us_;
  packet.direction = record.direction;
  packet.pure_ack = record.pure_ack != 0;
  packet.size = record.size;
  packet.size_bin = static_cast<uint8_t>(tables.sizes.bin(record.size));
  packet.has_gap = spoken_[side];
  packet.gap_bin = static_cast<uint8_t>(
      packet.has_gap ? tables.gaps_us.bin(capped(time_us - last_us_[side])) : 0);
  stretches[0].add(packet);
  spoken_[side] = true;
  last_us_[side] = newest_us_ = time_us;
}

}  // namespace flowmark
