#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/anonymous_memory.h"
#include "base/time.h"
#include "flow/flow_entry.h"
#include "flow/flow_life.h"
#include "flow/flow_set.h"
#include "net/flow_key.h"

namespace flowmark {

/// Why a flow goes.
enum class Removal : uint8_t {
  expired,  ///< past its timeout
  evicted,  ///< a newer one needed its place
  cleared,  ///< by FlowTable::erase() or clear()
  memory,   ///< only its state goes, and the flow stays; the table never says so
};

/// Who is told that a flow leaves while its entry is still readable.
class FlowRemovalListener {
 public:
  virtual void on_remove(FlowId id, FlowEntry& entry, Removal reason) noexcept = 0;

 protected:
  ~FlowRemovalListener() = default;
};

/// One worker's flows: fixed capacity, memory reserved at construction, nothing allocated later. A
/// hash table with two candidate sets of eight entries a key: 16-bit tags say which entry it may
/// be, and the place of a tag is the place of its entry. Looked up in batches with prefetch. Not
/// thread-safe.
class FlowTable {
 public:
  static constexpr uint32_t kMaxBurst = 64;

  struct Options {
    uint32_t capacity = 1u << 16;  ///< flows; rounded up to a power of two
    FlowTimeouts timeouts{};       ///< each at most 3'600'000
    HashSecret secret = {};        ///< drawn where strangers choose the keys
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
  /// none of the flows in the key's two sets can be evicted. A flow that lasts (Hold::lasting) goes
  /// when it was idle for `young_ms`, any other after a millisecond, those with the least
  /// hold first. Equal keys in one burst get the same id. `hashes[i]` is hash_of(*keys[i]).
  /// `now_us` must not run back by more than a timeout; a step back counts as standing still. A new
  /// entry has packets == 0. A flow past its timeout is never found again, whether the walk of
  /// expire_some has come by or not: it is removed and its key begins a new flow. An id once given
  /// out stays valid to the end of the burst. The places of the flows' next records are being
  /// fetched on return.
  void find_or_insert(std::span<const FlowKey* const> keys, std::span<const uint64_t> hashes,
                      TimeUs now_us, std::span<FlowId> out) noexcept;

  uint64_t hash_of(const FlowKey& key) const noexcept { return hash(key, options_.secret); }

  /// The same in three steps, the first two for some packets as soon as their hashes are known,
  /// with work on other packets after each, so that memory has time to answer. Fetches the tags:
  void prefetch(std::span<const uint64_t> hashes) const noexcept {
    for (const uint64_t hash : hashes) __builtin_prefetch(sets_ + first_set(hash), 1);
  }
  /// The entry that each probably is, which is being fetched, or kNoFlow:
  void expect(std::span<const uint64_t> hashes, std::span<FlowId> ids) const noexcept {
    for (size_t i = 0; i < hashes.size(); ++i) ids[i] = expect(hashes[i]);
  }
  /// `ids` holds what expect() said and then what find_or_insert() would say.
  void find_or_insert_expected(std::span<const FlowKey* const> keys,
                               std::span<const uint64_t> hashes, TimeUs now_us,
                               std::span<FlowId> ids) noexcept;

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
  /// The table's clock in ms, modulo 2^32. It goes with the newest time the table was told, but
  /// over a leap by no more than kLongestLeapMs: past every timeout, and far from coming round.
  uint32_t now_ms() const noexcept { return now_ms_; }
  /// Another time on that clock, at most 24 days before or after the newest one.
  uint32_t to_ms(TimeUs time_us) const noexcept {
    return now_ms_ + static_cast<uint32_t>(time_us / kUsPerMs - now_us_ / kUsPerMs);
  }
  /// The newest time the table was told.
  TimeUs now_us() const noexcept { return now_us_; }
  uint32_t capacity() const noexcept { return capacity_; }
  /// Ids are below this: entries lie spread over twice as many places.
  FlowId id_end() const noexcept { return id_end_; }
  const Counters& counters() const noexcept { return counters_; }
  /// Bytes reserved for a table of `capacity` flows.
  static size_t memory_bytes(uint32_t capacity) noexcept;

  /// True for entries in use, for walks over [0, id_end()).
  bool in_use(FlowId id) const noexcept;
  /// The first entry in use from `id` on, round to the beginning behind the last; kNoFlow when the
  /// next kMostSkipped or so are unused.
  FlowId next_in_use(FlowId id) const noexcept;
  static constexpr uint32_t kMostSkipped = 8192;

 private:
  /// The two sets that may hold a key.
  struct Place {
    uint32_t sets[2];
    uint16_t tag;
  };

  static uint16_t tag_of(uint64_t hash) noexcept {
    const auto tag = static_cast<uint16_t>(hash >> 48);
    return tag == 0 ? uint16_t{1} : tag;
  }
  uint32_t first_set(uint64_t hash) const noexcept {
    return static_cast<uint32_t>(hash) & set_mask_;
  }
  Place place_of(uint64_t hash) const noexcept;
  FlowId probe(const Place& place, const FlowKey& key) const noexcept;
  FlowId expect(uint64_t hash) const noexcept {
    const uint32_t set = first_set(hash);
    const uint64_t found = sets_[set].matches(tag_of(hash));
    if (found == 0) [[unlikely]] {  // 19 of 20 flows are in their first set
      __builtin_prefetch(sets_ + (static_cast<uint32_t>(hash >> 24) & set_mask_), 1);
      return kNoFlow;
    }
    const FlowId id = set * FlowSet::kLanes + FlowSet::first(found);
    __builtin_prefetch(entries_ + id, 1);
    return id;
  }
  void touch(FlowId id) noexcept;
  FlowId insert(const Place& place, const FlowKey& key) noexcept;
  bool make_room(const Place& place) noexcept;
  void remove(FlowId id, Removal reason) noexcept;
  void start_flow(FlowId id, const EntryKey& key) noexcept;
  static constexpr TimeUs kLongestLeapMs = 7'200'000;
  void advance_clock(TimeUs now_us) noexcept;
  bool is_expired(const FlowEntry& entry) const noexcept;

  FlowSet* sets_ = nullptr;
  FlowEntry* entries_ = nullptr;
  uint32_t set_mask_ = 0;
  uint32_t capacity_ = 0;
  FlowId id_end_ = 0;
  uint32_t size_ = 0;
  uint32_t now_ms_ = 0;
  TimeUs now_us_ = INT64_MIN;
  FlowId walk_ = 0;  ///< where expire_some goes on
  Options options_;
  uint32_t least_timeout_ms_ = 0;
  FlowRemovalListener& listener_;
  Counters counters_;
  AnonymousMemory entry_memory_;
  AnonymousMemory set_memory_;
};

}  // namespace flowmark
