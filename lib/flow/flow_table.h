#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/time.h"
#include "flow/packet_record.h"
#include "net/flow_key.h"

namespace flowmark {

using FlowId = uint32_t;  ///< index of an entry; stable while the flow lives
inline constexpr FlowId kNoFlow = 0xffffffff;
inline constexpr uint8_t kNoMark = 0xff;

/// A flow's entry: one cache line. Enough for the flows that never show a second packet; the rest
/// hangs at `state`, which belongs to the table's user.
struct alignas(64) FlowEntry {
  FlowKey key;
  void* state = nullptr;      ///< owned by the user; given to on_remove when the flow goes
  uint32_t last_seen_ms = 0;  ///< in the table's clock
  uint16_t packets = 0;       ///< saturates
  uint8_t mark = kNoMark;     ///< DSCP to write, or kNoMark
  uint8_t flags = 0;          ///< FlowFlag bits
  PacketRecord first;         ///< the first packet, until there is a state
};
static_assert(sizeof(FlowEntry) == 64);

enum FlowFlag : uint8_t {
  kUpIsA = 1,    ///< endpoint a is the upstream sender
  kClosing = 2,  ///< TCP FIN or RST seen: expires early
};

/// Who is told that a flow leaves (expired, evicted or cleared) while its entry is still readable.
class FlowRemovalListener {
 public:
  virtual void on_remove(FlowId id, FlowEntry& entry) noexcept = 0;

 protected:
  ~FlowRemovalListener() = default;
};

struct FlowPlace;

/// One worker's flows: fixed capacity, memory reserved at construction, nothing allocated later. A
/// bucketed hash table with 16-bit tags and two candidate buckets a key, looked up in batches with
/// prefetch. Not thread-safe.
class FlowTable {
 public:
  static constexpr uint32_t kMaxBurst = 64;

  struct Options {
    uint32_t capacity = 1u << 16;         ///< flows; rounded up to a power of two
    uint32_t idle_timeout_ms = 120'000;   ///< at most 3'600'000
    uint32_t closing_timeout_ms = 5'000;  ///< after FIN or RST
    uint32_t young_timeout_ms = 15'000;   ///< flows of a single packet
  };

  struct Counters {
    uint64_t inserted = 0, expired = 0, evicted = 0, full = 0;
  };

  /// Reserves and touches all memory. Throws Error if an option is out of range (capacity 1 to
  /// 2^28, timeouts at most 3'600'000) or the memory is not to be had. The listener must outlive
  /// the table.
  FlowTable(const Options& options, FlowRemovalListener& listener);
  /// Tells nobody of the flows still there: clear() does.
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  /// Finds or creates the flow of each key: out[i] is its id, or kNoFlow when the table is full and
  /// the bounded search (the key's two buckets) found nobody idle for `young_timeout_ms`. Equal
  /// keys in one burst get the same id. `hashes[i]` is hash(*keys[i]). `now_us` must not run back
  /// by more than a timeout; a step back counts as standing still. A new entry has packets == 0.
  /// A flow past its timeout is never found again, whether the walk of expire_some has come by or
  /// not: it is removed and its key begins a new flow. An id once given out stays valid to the end
  /// of the burst. The first cache lines of the flows' states are being fetched on return.
  void find_or_insert(std::span<const FlowKey* const> keys, std::span<const uint64_t> hashes,
                      TimeUs now_us, std::span<FlowId> out) noexcept;

  /// Fetches the place where a flow of this hash is looked for: worth it as soon as the hash is
  /// known, while other work is left before find_or_insert().
  void prefetch(uint64_t hash) const noexcept;

  /// The flow of a key without creating or touching it; also one past its timeout that nobody has
  /// removed yet.
  FlowId find(const FlowKey& key) const noexcept;

  FlowEntry& operator[](FlowId id) noexcept { return entries_[id]; }
  const FlowEntry& operator[](FlowId id) const noexcept { return entries_[id]; }

  /// Looks at the next `entries` entries and removes those past their timeout. Called once a burst,
  /// so that expiry costs a little often instead of much at once.
  void expire_some(TimeUs now_us, uint32_t entries) noexcept;

  /// Removes a flow, telling the listener; nothing if the entry is not in use.
  void erase(FlowId id) noexcept;
  /// Removes all flows, telling the listener of each.
  void clear() noexcept;

  uint32_t size() const noexcept { return size_; }
  uint32_t capacity() const noexcept { return capacity_; }
  const Counters& counters() const noexcept { return counters_; }
  /// Bytes reserved for a table of `capacity` flows.
  static size_t memory_bytes(uint32_t capacity) noexcept;

  /// True for entries in use, for walks over [0, capacity()).
  bool in_use(FlowId id) const noexcept;
  /// The first entry in use from `id` on, round to the beginning behind the last; kNoFlow when the
  /// next kMostSkipped or so are unused.
  FlowId next_in_use(FlowId id) const noexcept;
  static constexpr uint32_t kMostSkipped = 8192;

 private:
  FlowPlace place_of(uint64_t hash_value) const noexcept;
  FlowId probe(const FlowPlace& place, const FlowKey& key) const noexcept;
  FlowId touch(FlowId id) noexcept;
  FlowId insert(const FlowPlace& place, const FlowKey& key) noexcept;
  bool make_room(const FlowPlace& place) noexcept;
  void remove(FlowId id) noexcept;
  void start_flow(FlowId id, const FlowKey& key) noexcept;
  void advance_clock(TimeUs now_us) noexcept;
  bool is_expired(const FlowEntry& entry) const noexcept;

  uint32_t capacity_ = 0;
  uint32_t size_ = 0;
  Options options_;
  FlowRemovalListener& listener_;
  Counters counters_;
  FlowEntry* entries_ = nullptr;
  struct Storage;
  std::unique_ptr<Storage> storage_;
};

}  // namespace flowmark
