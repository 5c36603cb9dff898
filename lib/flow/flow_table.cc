#include "flow/flow_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "base/anonymous_memory.h"
#include "base/error.h"
#include "flow/flow_bucket.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxCapacity = 1U << 28;
constexpr uint32_t kMaxTimeoutMs = 3'600'000;

/// Twice as many lanes as flows: with two buckets to choose from, none is ever full in practice.
constexpr uint32_t bucket_count(uint32_t capacity) {
  return std::max(2U, 2 * capacity / FlowBucket::kLanes);
}
constexpr uint32_t kSpareLanes = 3;

constexpr uint32_t word_count(uint32_t capacity) {
  return (capacity + 63) / 64;
}

uint32_t check(const char* name, uint32_t value, uint32_t low, uint32_t high) {
  if (value < low || value > high) {
    fail("flow table: {}: {} is out of range, allowed is {} to {}", name, value, low, high);
  }
  return value;
}

/// Keys have no padding, so that they compare as five words; of the operator GCC makes two calls of
/// memcmp and five branches.
[[gnu::always_inline]] inline bool is_same(const FlowKey& a, const FlowKey& b) noexcept {
  static_assert(std::has_unique_object_representations_v<FlowKey>);
  uint64_t x[5];
  uint64_t y[5];
  static_assert(sizeof(x) == sizeof(FlowKey));
  std::memcpy(x, &a, sizeof(x));
  std::memcpy(y, &b, sizeof(y));
  return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
}

}  // namespace

struct FlowTable::Storage {
  explicit Storage(uint32_t capacity)
      : entry_memory(size_t{capacity} * sizeof(FlowEntry), true),
        bucket_memory(size_t{bucket_count(capacity)} * sizeof(FlowBucket), true),
        used_memory(size_t{word_count(capacity)} * sizeof(uint64_t), true),
        buckets(static_cast<FlowBucket*>(bucket_memory.data())),
        used(static_cast<uint64_t*>(used_memory.data())),
        bucket_mask(bucket_count(capacity) - 1) {}

  AnonymousMemory entry_memory;
  AnonymousMemory bucket_memory;
  AnonymousMemory used_memory;
  FlowBucket* buckets;
  uint64_t* used;  ///< a bit an entry
  uint32_t bucket_mask;
  FlowId free_head = kNoFlow;  ///< free entries, linked through last_seen_ms
  FlowId walk = 0;             ///< where expire_some goes on
  TimeUs now_us = INT64_MIN;
  uint32_t now_ms = 0;
};

FlowTable::FlowTable(const Options& options, FlowRemovalListener& listener)
    : capacity_(std::bit_ceil(check("capacity", options.capacity, 1, kMaxCapacity))),
      options_(options),
      listener_(listener) {
  check("idle_timeout_ms", options.idle_timeout_ms, 0, kMaxTimeoutMs);
  check("closing_timeout_ms", options.closing_timeout_ms, 0, kMaxTimeoutMs);
  check("young_timeout_ms", options.young_timeout_ms, 0, kMaxTimeoutMs);
  storage_ = std::make_unique<Storage>(capacity_);
  entries_ = static_cast<FlowEntry*>(storage_->entry_memory.data());
  for (FlowId id = capacity_; id > 0; --id) {
    auto* entry = new (entries_ + id - 1) FlowEntry();
    entry->last_seen_ms = storage_->free_head;
    storage_->free_head = id - 1;
  }
}

FlowTable::~FlowTable() = default;

size_t FlowTable::memory_bytes(uint32_t capacity) noexcept {
  const uint32_t rounded = std::bit_ceil(std::clamp(capacity, 1U, kMaxCapacity));
  return size_t{rounded} * sizeof(FlowEntry) + size_t{bucket_count(rounded)} * sizeof(FlowBucket) +
         size_t{word_count(rounded)} * sizeof(uint64_t);
}

bool FlowTable::in_use(FlowId id) const noexcept {
  return id < capacity_ && ((storage_->used[id / 64] >> (id % 64)) & 1) != 0;
}

FlowId FlowTable::next_in_use(FlowId id) const noexcept {
  id = id < capacity_ ? id : 0;
  uint64_t word = storage_->used[id / 64] >> (id % 64) << (id % 64);
  for (uint32_t skipped = 0; word == 0 && skipped < kMostSkipped; skipped += 64) {
    id = (id / 64 + 1) * 64;
    if (id >= capacity_) id = 0;
    word = storage_->used[id / 64];
  }
  if (word == 0) return kNoFlow;
  return id / 64 * 64 + static_cast<FlowId>(std::countr_zero(word));
}

FlowPlace FlowTable::place_of(uint64_t hash_value) const noexcept {
  const auto first = static_cast<uint32_t>(hash_value) & storage_->bucket_mask;
  auto second = static_cast<uint32_t>(hash_value >> 24) & storage_->bucket_mask;
  if (second == first) second ^= 1;
  const auto tag = static_cast<uint16_t>(hash_value >> 48);
  return {{storage_->buckets + first, storage_->buckets + second}, tag == 0 ? uint16_t{1} : tag};
}

FlowId FlowTable::probe(const FlowPlace& place, const FlowKey& key) const noexcept {
  for (uint64_t found = place.matches(); found != 0; found &= found - 1) {
    const FlowId id = place.first(found);
    if (is_same(entries_[id].key, key)) return id;
  }
  return kNoFlow;
}

void FlowTable::advance_clock(TimeUs now_us) noexcept {
  if (now_us <= storage_->now_us) return;
  storage_->now_us = now_us;
  storage_->now_ms = static_cast<uint32_t>(now_us / kUsPerMs);
}

bool FlowTable::is_expired(const FlowEntry& entry) const noexcept {
  const uint32_t idle_ms = storage_->now_ms - entry.last_seen_ms;
  if ((entry.flags & kClosing) != 0) return idle_ms > options_.closing_timeout_ms;
  return idle_ms > (entry.packets <= 1 ? options_.young_timeout_ms : options_.idle_timeout_ms);
}

void FlowTable::find_or_insert(std::span<const FlowKey* const> keys,
                               std::span<const uint64_t> hashes, TimeUs now_us,
                               std::span<FlowId> out) noexcept {
  advance_clock(now_us);
  FlowPlace places[kMaxBurst];
  FlowId guesses[kMaxBurst];
  for (size_t done = 0; done < keys.size(); done += kMaxBurst) {
    const size_t count = std::min<size_t>(kMaxBurst, keys.size() - done);
    for (size_t i = 0; i < count; ++i) prefetch(hashes[done + i]);
    for (size_t i = 0; i < count; ++i) {
      places[i] = place_of(hashes[done + i]);
      const uint64_t found = places[i].matches_first();
      guesses[i] = found != 0 ? places[i].first(found) : kNoFlow;
      __builtin_prefetch(
          found != 0 ? static_cast<const void*>(entries_ + guesses[i]) : places[i].buckets[1], 1);
    }
    for (size_t i = 0; i < count; ++i) {
      if (guesses[i] != kNoFlow) continue;
      const uint64_t found = places[i].matches();
      if (found == 0) continue;
      guesses[i] = places[i].first(found);
      __builtin_prefetch(entries_ + guesses[i], 1);
    }
    // One after the other, for a packet may create or evict the flow of a later one. An evicted
    // flow's entry goes to another key at once, so that the comparison tells.
    for (size_t i = 0; i < count; ++i) {
      const FlowKey& key = *keys[done + i];
      FlowId id = guesses[i];
      if (id == kNoFlow || !is_same(entries_[id].key, key)) {
        id = probe(places[i], key);
      }
      id = id != kNoFlow ? touch(id) : insert(places[i], key);
      out[done + i] = id;
      if (id != kNoFlow) __builtin_prefetch(entries_[id].state, 1);
    }
  }
}

void FlowTable::prefetch(uint64_t hash) const noexcept {
  __builtin_prefetch(storage_->buckets + (static_cast<uint32_t>(hash) & storage_->bucket_mask), 1);
}

FlowId FlowTable::find(const FlowKey& key) const noexcept {
  return probe(place_of(hash(key)), key);
}

/// A flow of this id has a packet: the one that is there, or a new one if that is past its timeout.
FlowId FlowTable::touch(FlowId id) noexcept {
  FlowEntry& entry = entries_[id];
  if (is_expired(entry)) {
    listener_.on_remove(id, entry);
    ++counters_.expired;
    start_flow(id, entry.key);
  }
  entry.last_seen_ms = storage_->now_ms;
  return id;
}

void FlowTable::start_flow(FlowId id, const FlowKey& key) noexcept {
  FlowEntry fresh;
  fresh.key = key;
  fresh.last_seen_ms = storage_->now_ms;
  entries_[id] = fresh;
  ++counters_.inserted;
}

FlowId FlowTable::insert(const FlowPlace& place, const FlowKey& key) noexcept {
  uint32_t empty[2] = {place.buckets[0]->empty_lanes(), place.buckets[1]->empty_lanes()};
  if (storage_->free_head == kNoFlow || empty[0] + empty[1] == 0) {
    if (!make_room(place)) return kNoFlow;
    for (uint32_t i = 0; i < 2; ++i) empty[i] = place.buckets[i]->empty_lanes();
  }
  // The first bucket as long as it is not nearly full, so that most lookups touch no other; from
  // then on the emptier one (docs/adr/0001-flow-table.md).
  const bool takes_second = empty[0] < kSpareLanes && empty[1] > empty[0];
  FlowBucket& bucket = *place.buckets[takes_second ? 1 : 0];
  const FlowId id = storage_->free_head;
  storage_->free_head = entries_[id].last_seen_ms;
  bucket.set(bucket.first_empty_lane(), place.tag, id);
  storage_->used[id / 64] |= uint64_t{1} << (id % 64);
  ++size_;
  start_flow(id, key);
  return id;
}

/// Removes the flow of the two buckets that has been idle longest, if it has been for long enough.
bool FlowTable::make_room(const FlowPlace& place) noexcept {
  FlowId victim = kNoFlow;
  uint32_t longest_ms = options_.young_timeout_ms;
  for (const FlowBucket* bucket : place.buckets) {
    for (uint32_t lane = 0; lane < FlowBucket::kLanes; ++lane) {
      if (bucket->tag(lane) == 0) continue;
      const uint32_t idle_ms = storage_->now_ms - entries_[bucket->ids[lane]].last_seen_ms;
      if (idle_ms <= longest_ms) continue;
      longest_ms = idle_ms;
      victim = bucket->ids[lane];
    }
  }
  if (victim == kNoFlow) {
    ++counters_.full;
    return false;
  }
  remove(victim);
  ++counters_.evicted;
  return true;
}

void FlowTable::remove(FlowId id) noexcept {
  FlowEntry& entry = entries_[id];
  listener_.on_remove(id, entry);
  const FlowPlace place = place_of(hash(entry.key));
  for (FlowBucket* bucket : place.buckets) {
    for (uint32_t lane = 0; lane < FlowBucket::kLanes; ++lane) {
      if (bucket->ids[lane] == id && bucket->tag(lane) != 0) bucket->set(lane, 0, kNoFlow);
    }
  }
  storage_->used[id / 64] &= ~(uint64_t{1} << (id % 64));
  entry.state = nullptr;
  entry.last_seen_ms = storage_->free_head;
  storage_->free_head = id;
  --size_;
}

void FlowTable::erase(FlowId id) noexcept {
  if (in_use(id)) remove(id);
}

void FlowTable::expire_some(TimeUs now_us, uint32_t entries) noexcept {
  advance_clock(now_us);
  FlowId& walk = storage_->walk;
  for (uint32_t left = std::min(entries, capacity_); left > 0;) {
    if (walk % 64 == 0 && storage_->used[walk / 64] == 0) {  // 64 unused ones at a glance
      const uint32_t skipped = std::min({left, 64U, capacity_ - walk});
      walk = (walk + skipped) & (capacity_ - 1);
      left -= skipped;
      continue;
    }
    if (in_use(walk) && is_expired(entries_[walk])) {
      remove(walk);
      ++counters_.expired;
    }
    walk = (walk + 1) & (capacity_ - 1);
    --left;
  }
}

void FlowTable::clear() noexcept {
  for (FlowId id = 0; id < capacity_; ++id) erase(id);
}

}  // namespace flowmark
