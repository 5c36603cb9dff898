#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "flow/packet_record.h"
#include "net/flow_key.h"

namespace flowmark {

inline constexpr uint8_t kNoMark = 0xff;

/// A flow's key as its entry holds it. Of IPv4 16 bytes, and where an IPv6 key goes on there are
/// records of packets instead, so that most packets of most flows touch one line of their flow.
class EntryKey {
 public:
  static constexpr uint32_t kRecords = 3;

  EntryKey() noexcept = default;
  explicit EntryKey(const FlowKey& key) noexcept : words_(words_of(key)) {
    if (!is_ip4(words_)) return;
    words_ = {words_[0] | kIp4, both_ip4(words_), 0, 0, 0};
  }

  /// Compared in words: of the operator GCC makes two calls of memcmp and five branches.
  [[gnu::always_inline]] bool is(const FlowKey& key) const noexcept {
    const Words other = words_of(key);
    if (is_ip4(other)) [[likely]] {
      return ((words_[0] ^ (other[0] | kIp4)) | (words_[1] ^ both_ip4(other))) == 0;
    }
    return ((words_[0] ^ other[0]) | (words_[1] ^ other[1]) | (words_[2] ^ other[2]) |
            (words_[3] ^ other[3]) | (words_[4] ^ other[4])) == 0;
  }
  FlowKey key() const noexcept;

  /// Equals no packet's key from now on.
  void forget() noexcept { words_[0] |= kOfNoFlow; }

  bool has_records() const noexcept { return words_[0] >> kFormShift == kIp4 >> kFormShift; }
  /// Only where has_records() says so; i < kRecords.
  PacketRecord record(uint32_t i) const noexcept {
    return std::bit_cast<PacketRecord>(words_[2 + i]);
  }
  void set_record(uint32_t i, PacketRecord record) noexcept {
    words_[2 + i] = std::bit_cast<uint64_t>(record);
  }

 private:
  /// Ports, protocol, zone and the form; then the addresses: of IPv6 a and b, of IPv4 both in one.
  using Words = std::array<uint64_t, 5>;
  static constexpr uint32_t kFormShift = 48;  // FlowKey::reserved, which is 0 in a packet's key
  static constexpr uint64_t kIp4 = uint64_t{1} << kFormShift;
  static constexpr uint64_t kOfNoFlow = uint64_t{0xffff} << kFormShift;
  static constexpr uint64_t kMapped = 0xffff0000;  // ::ffff:a.b.c.d, bytes 8 to 11

  static Words words_of(const FlowKey& key) noexcept {
    static_assert(std::has_unique_object_representations_v<FlowKey>);
    const auto* at = reinterpret_cast<const uint8_t*>(&key);
    return {detail::load_le64(at + 32), detail::load_le64(at), detail::load_le64(at + 8),
            detail::load_le64(at + 16), detail::load_le64(at + 24)};
  }
  static bool is_ip4(const Words& words) noexcept {
    return (words[1] | words[3] | (static_cast<uint32_t>(words[2]) ^ kMapped) |
            (static_cast<uint32_t>(words[4]) ^ kMapped)) == 0;
  }
  static uint64_t both_ip4(const Words& words) noexcept {
    return (words[2] >> 32) | (words[4] >> 32 << 32);
  }

  Words words_{};
};
static_assert(sizeof(EntryKey) == sizeof(FlowKey));

/// What a packet of a flow with a state needs to know besides where that is.
struct Staging {
  uint8_t count = 0;              ///< records that wait at the entry and the state
  uint8_t epoch = 0;              ///< low bits of what the state was made for
  std::array<uint8_t, 2> left{};  ///< packets of a direction until the flow is looked at
  uint32_t look_ms = 0;           ///< in the table's clock: looked at by then in any case
};

/// What a flow without a state keeps in its place, once it is known that no model is asked.
struct Unasked {
  uint16_t epoch = 0;           ///< low bits of that of the models that were not asked
  uint16_t policy = 0;          ///< place in their list of policies
  uint16_t vlan : 13 = 0;       ///< outermost tag of the packet with which that was found out
  uint16_t began_down : 1 = 0;  ///< the outside began the flow
};

/// What an entry without a state keeps where one with a state counts packets.
struct Aside {
  uint8_t live : 2;           ///< see FlowState::live
  uint8_t answers_first : 1;  ///< the first packet answers: the other end began (source_began)
};
static_assert(sizeof(Aside) == 1);

/// A flow's entry: one cache line. Enough for the flows that never show a second packet; the rest
/// hangs at `state`, which belongs to the table's user and begins with an array of records.
struct alignas(64) FlowEntry {
  EntryKey key;
  void* state = nullptr;      ///< owned by the user; given to on_remove when the flow goes
  uint32_t last_seen_ms = 0;  ///< in the table's clock
  uint8_t packets = 0;        ///< saturates at 255
  union {
    uint8_t left = 0;  ///< with a state: packets of either direction until it is looked at
    Aside aside;       ///< without one
  };
  uint8_t mark = kNoMark;  ///< number of the marks to write (mark/mark_numbers.h), or kNoMark
  uint8_t flags = 0;       ///< FlowFlag bits
  union {
    PacketRecord first;  ///< the first packet, until there is a state
    Staging staging;     ///< with a state
    Unasked unasked;     ///< with kUnasked
  };

  FlowEntry() noexcept : first() {}

  /// Keeps a record for a flow with a state. Where the key leaves room three wait there and go to
  /// the state's array together with the fourth: one touch of that far line instead of four.
  void append(PacketRecord record) noexcept {
    const uint32_t place = staging.count++;
    if (!key.has_records()) {
      records()[place] = record;
      return;
    }
    const uint32_t own = place % (EntryKey::kRecords + 1);
    if (own != EntryKey::kRecords) {
      key.set_record(own, record);
      return;
    }
    copy_own(place - own, own);
    records()[place] = record;
  }
  /// What append() will touch besides the entry, or the entry.
  const void* append_touches() const noexcept {
    const uint32_t place = staging.count;
    const bool own = key.has_records() && place % (EntryKey::kRecords + 1) != EntryKey::kRecords;
    return own ? static_cast<const void*>(this) : records() + place;
  }
  /// Brings the state's array up to the newest record. Changes nothing else: append() goes on.
  void gather() noexcept {
    if (!key.has_records()) return;
    const uint32_t own = staging.count % (EntryKey::kRecords + 1);
    copy_own(staging.count - own, own);
  }

 private:
  PacketRecord* records() const noexcept { return static_cast<PacketRecord*>(state); }
  void copy_own(uint32_t to, uint32_t count) noexcept {
    for (uint32_t i = 0; i < count; ++i) records()[to + i] = key.record(i);
  }
};
static_assert(sizeof(FlowEntry) == 64);

enum FlowFlag : uint8_t {
  kUpIsA = 1,       ///< endpoint a is the upstream sender
  kClosing = 2,     ///< TCP FIN or RST seen: expires early
  kSentUp = 4,      ///< a packet upstream was seen
  kSentDown = 8,    ///< and one downstream: kSentUp << Direction::down
  kTrustA = 16,     ///< marks that endpoint a sends stay
  kTrustB = 32,     ///< those of endpoint b
  kFixedMark = 64,  ///< the mark comes from a policy: verdicts do not change it
  kUnasked = 128,   ///< has no state, because no model is asked
};

/// How firmly a flow holds its place and its memory when there are more flows than these suffice
/// for. A stranger with made-up source addresses gets no answer, or one that he does not go on
/// with.
enum class Hold : uint8_t {
  single,    ///< one packet so far
  one_way,   ///< some, all in one direction
  answered,  ///< some, in both directions
  lasting,   ///< kLastingPackets or more
};
/// More than a connection to a made-up address sees: a SYN, and a SYN-ACK six times at most.
inline constexpr uint8_t kLastingPackets = 8;

inline Hold hold_of(const FlowEntry& entry) noexcept {
  constexpr uint8_t kBoth = kSentUp | kSentDown;
  if (entry.packets >= kLastingPackets) return Hold::lasting;
  if (entry.packets <= 1) return Hold::single;
  return (entry.flags & kBoth) == kBoth ? Hold::answered : Hold::one_way;
}

}  // namespace flowmark
