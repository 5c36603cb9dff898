#pragma once

#include <bit>
#include <cstdint>

#include "flow/flow_table.h"

namespace flowmark {

/// The top bit of each 16-bit lane that equals `tag`, exactly.
inline uint64_t match_tags(uint64_t tags, uint16_t tag) noexcept {
  constexpr uint64_t tops = 0x8000800080008000;
  const uint64_t difference = tags ^ (tag * uint64_t{0x0001000100010001});
  return ~(((difference & ~tops) + ~tops) | difference | ~tops);
}

inline uint32_t lane_of(uint64_t matches) noexcept {
  return static_cast<uint32_t>(std::countr_zero(matches)) / 16;
}

/// One cache line: 16 bits of the hash of each flow, 0 for an empty lane, and where its entry is.
struct alignas(64) FlowBucket {
  static constexpr uint32_t kLanes = 8;

  uint64_t tags[2];
  FlowId ids[kLanes];

  uint16_t tag(uint32_t lane) const noexcept {
    return static_cast<uint16_t>(tags[lane / 4] >> (lane % 4 * 16));
  }
  void set(uint32_t lane, uint16_t tag, FlowId id) noexcept {
    const uint32_t shift = lane % 4 * 16;
    uint64_t& word = tags[lane / 4];
    word = (word & ~(uint64_t{0xffff} << shift)) | (uint64_t{tag} << shift);
    ids[lane] = id;
  }
  uint32_t empty_lanes() const noexcept {
    return static_cast<uint32_t>(std::popcount(match_tags(tags[0], 0)) +
                                 std::popcount(match_tags(tags[1], 0)));
  }
  uint32_t first_empty_lane() const noexcept {
    const uint64_t first = match_tags(tags[0], 0);
    return first != 0 ? lane_of(first) : 4 + lane_of(match_tags(tags[1], 0));
  }
};
static_assert(sizeof(FlowBucket) == 64);

/// The two buckets that may hold a key.
struct FlowPlace {
  FlowBucket* buckets[2];
  uint16_t tag;

  /// All lanes of both buckets with the right tag: bit 16 * lane + quarter, where quarters 0 and 1
  /// are the first bucket's tags. Without branches: where a flow lies is chance, and a wrong
  /// prediction costs more than four words of tags.
  uint64_t matches() const noexcept {
    return (match_tags(buckets[0]->tags[0], tag) >> 15) |
           (match_tags(buckets[0]->tags[1], tag) >> 14) |
           (match_tags(buckets[1]->tags[0], tag) >> 13) |
           (match_tags(buckets[1]->tags[1], tag) >> 12);
  }

  /// The same of the first bucket alone, where 19 of 20 flows are.
  uint64_t matches_first() const noexcept {
    return (match_tags(buckets[0]->tags[0], tag) >> 15) |
           (match_tags(buckets[0]->tags[1], tag) >> 14);
  }

  /// The flow in the first of these lanes.
  FlowId first(uint64_t found) const noexcept {
    const auto bit = static_cast<uint32_t>(std::countr_zero(found));
    const uint32_t quarter = bit % 16;
    return buckets[quarter / 2]->ids[quarter % 2 * 4 + bit / 16];
  }
};

}  // namespace flowmark
