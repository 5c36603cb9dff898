#pragma once

#include <array>
#include <cstdint>

#include "flow/packet_record.h"

namespace flowmark {

/// The bins of time in which silence and peaks are counted. Each is a multiple of the one before,
/// so that a packet in the same shortest bin is in the same bin of every length.
inline constexpr std::array<uint64_t, 4> kSilenceBinsUs = {10'000, 100'000, 1'000'000, 5'000'000};

/// Bins of the small histograms of sizes and of gaps.
inline constexpr uint32_t kQuantileBins = 16;
using QuantileCounts = std::array<uint16_t, kQuantileBins>;

/// One packet as the counts see it.
struct CountedPacket {
  uint64_t offset_us = 0;    ///< since the stretch began
  uint64_t previous_us = 0;  ///< the same of the stretch's packet before; 0 for the first
  uint8_t direction = 0;
  bool pure_ack = false;
  uint16_t size = 0;     ///< bytes
  uint8_t size_bin = 0;  ///< of kQuantileBins
  bool has_gap = false;  ///< its direction has had a packet before
  uint8_t gap_bin = 0;   ///< of kQuantileBins: the time since that packet
};

/// What is counted over a stretch of a flow. All zero when new. Numbers that could overflow stop at
/// their largest value; a histogram one of whose bins is full is halved, so that old packets count
/// less in it. Arrays of two are by direction.
struct StretchCounts {
  std::array<uint64_t, 2> bytes{};
  std::array<uint32_t, 2> packets{};
  std::array<uint32_t, 2> pure_acks{};
  std::array<QuantileCounts, 2> sizes{};
  std::array<QuantileCounts, 2> gaps{};
  /// By length of bin: how many had a packet, packets of the newest such bin, and of the busiest.
  std::array<uint32_t, kSilenceBinsUs.size()> occupied{};
  std::array<uint32_t, kSilenceBinsUs.size()> newest{};
  std::array<uint32_t, kSilenceBinsUs.size()> busiest{};

  bool is_empty() const noexcept { return packets[0] == 0 && packets[1] == 0; }
  uint64_t all_packets() const noexcept { return uint64_t{packets[0]} + packets[1]; }
  void add(const CountedPacket& packet) noexcept;
};
static_assert(sizeof(StretchCounts) == 208);

}  // namespace flowmark
