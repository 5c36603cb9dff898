#pragma once

#include <bit>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace flowmark {

using FlowId = uint32_t;  ///< index of an entry; stable while the flow lives
inline constexpr FlowId kNoFlow = 0xffffffff;

/// The top bit of each 16-bit lane that equals `tag`, exactly. What FlowSet::matches() does where
/// there are no vectors for it, and what it is tested against.
inline uint64_t match_tags(uint64_t tags, uint16_t tag) noexcept {
  constexpr uint64_t tops = 0x8000800080008000;
  const uint64_t difference = tags ^ (tag * uint64_t{0x0001000100010001});
  return ~(((difference & ~tops) + ~tops) | difference | ~tops);
}

/// Eight neighbouring entries: of each 16 bits of its flow's hash, 0 where there is none. Two bytes
/// an entry, so that the tags of a hundred thousand flows fit a second-level cache.
struct alignas(16) FlowSet {
  static constexpr uint32_t kLanes = 8;

  uint64_t tags[2];

  uint16_t tag(uint32_t lane) const noexcept {
    return static_cast<uint16_t>(tags[lane / 4] >> (lane % 4 * 16));
  }
  void set(uint32_t lane, uint16_t tag) noexcept {
    const uint32_t shift = lane % 4 * 16;
    uint64_t& word = tags[lane / 4];
    word = (word & ~(uint64_t{0xffff} << shift)) | (uint64_t{tag} << shift);
  }
  bool is_empty() const noexcept { return (tags[0] | tags[1]) == 0; }

  /// A bit for each lane with this tag, for first(). Without branches: where a flow lies is chance,
  /// and a wrong prediction costs more than a second word.
  uint64_t matches(uint16_t tag) const noexcept {
#ifdef __SSE2__
    const __m128i all = _mm_load_si128(reinterpret_cast<const __m128i*>(tags));
    const __m128i same = _mm_cmpeq_epi16(all, _mm_set1_epi16(static_cast<int16_t>(tag)));
    return static_cast<uint32_t>(_mm_movemask_epi8(same)) & 0x5555U;  // bit 2 * lane
#else
    // Bit 16 * (lane % 4) + lane / 4.
    return (match_tags(tags[0], tag) >> 15) | (match_tags(tags[1], tag) >> 14);
#endif
  }
  /// The first lane of these matches.
  static uint32_t first(uint64_t matches) noexcept {
    const auto bit = static_cast<uint32_t>(std::countr_zero(matches));
#ifdef __SSE2__
    return bit / 2;
#else
    return bit % 16 * 4 + bit / 16;
#endif
  }
  uint32_t empty_lanes() const noexcept {
    return static_cast<uint32_t>(std::popcount(matches(0)));
  }
};
static_assert(sizeof(FlowSet) == 16);

}  // namespace flowmark
