#include "feature/numbers/stretch_counts.h"

#include <algorithm>
#include <limits>

namespace flowmark {
namespace {

constexpr uint32_t kMost = std::numeric_limits<uint32_t>::max();

void count_one(uint32_t& number) noexcept {
  number += static_cast<uint32_t>(number < kMost);
}

void count_in(QuantileCounts& counts, uint8_t bin) noexcept {
  if (counts[bin] == std::numeric_limits<uint16_t>::max()) {
    for (uint16_t& count : counts) count = static_cast<uint16_t>(count / 2);
  }
  ++counts[bin];
}

}  // namespace

void StretchCounts::add(const CountedPacket& packet) noexcept {
  const bool is_first = is_empty();
  for (size_t b = 0; b < kSilenceBinsUs.size(); ++b) {
    const uint64_t bin_us = kSilenceBinsUs[b];
    if (!is_first && packet.offset_us / bin_us == packet.previous_us / bin_us) break;
    count_one(occupied[b]);
    newest[b] = 0;
  }
  for (size_t b = 0; b < kSilenceBinsUs.size(); ++b) {
    count_one(newest[b]);
    busiest[b] = std::max(busiest[b], newest[b]);
  }
  const size_t side = packet.direction;
  count_one(packets[side]);
  bytes[side] += packet.size;
  if (packet.pure_ack) count_one(pure_acks[side]);
  count_in(sizes[side], packet.size_bin);
  if (packet.has_gap) count_in(gaps[side], packet.gap_bin);
}

}  // namespace flowmark
