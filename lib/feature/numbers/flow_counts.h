#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "feature/log_bins.h"
#include "feature/numbers/flow_numbers.h"
#include "feature/numbers/stretch_counts.h"

namespace flowmark {

/// The tables of a specification of numbers.
struct NumbersTables {
  explicit NumbersTables(const FlowNumbersSpec& spec);

  uint32_t first;    ///< packets whose sizes and gaps are kept
  uint64_t half_us;  ///< half of the window; 0: no window
  LogBins sizes;     ///< bytes
  LogBins gaps_us;   ///< since the direction's packet before

  /// StretchCounts that a flow keeps: the newest stretch, and with a window the one before.
  size_t stretches() const noexcept { return half_us == 0 ? 1 : 2; }
};

/// What a flow keeps for its numbers, but for the counts of its stretches, which lie beside it:
/// NumbersTables::stretches() of them, the newest first. Whole numbers only, changed packet by
/// packet: how packets are grouped does not matter. All zero when new.
class FlowCounts {
 public:
  /// Takes the next packet, at a time of the flow's 64-bit clock that does not step back.
  void add(const PacketRecord& record, uint64_t time_us, const NumbersTables& tables,
           std::span<StretchCounts> stretches) noexcept;

  /// From the flow's first packet to its newest.
  uint64_t age_us() const noexcept { return newest_us_ - begin_us_; }
  /// From the newest stretch's beginning to the newest packet.
  uint64_t into_stretch_us() const noexcept { return newest_us_ - stretch_us_; }
  /// Whether the newest stretch has one before it: it may be without packets.
  bool has_previous() const noexcept { return has_previous_; }

  /// How many first packets are there; below that number, the size of each in bytes, whether it
  /// went down, and the time since the packet before it (0 for the flow's first).
  uint32_t first_count() const noexcept { return first_count_; }
  uint16_t first_size(uint32_t i) const noexcept { return first_sizes_[i]; }
  bool first_is_down(uint32_t i) const noexcept { return ((first_down_ >> i) & 1U) != 0; }
  uint32_t first_gap_us(uint32_t i) const noexcept { return first_gaps_us_[i]; }

 private:
  void move_stretch(uint64_t time_us, uint64_t half_us,
                    std::span<StretchCounts> stretches) noexcept;
  void keep_first(const PacketRecord& record, uint64_t gap_us) noexcept;

  uint64_t begin_us_ = 0;
  uint64_t newest_us_ = 0;
  uint64_t stretch_us_ = 0;            ///< where the newest stretch begins
  std::array<uint64_t, 2> last_us_{};  ///< by direction, where spoken_
  std::array<uint32_t, FlowNumbersSpec::kMostFirst> first_gaps_us_{};
  std::array<uint16_t, FlowNumbersSpec::kMostFirst> first_sizes_{};
  uint16_t first_down_ = 0;  ///< a bit for each first packet
  uint8_t first_count_ = 0;
  bool has_previous_ = false;
  std::array<bool, 2> spoken_{};  ///< directions that had a packet
};

}  // namespace flowmark
