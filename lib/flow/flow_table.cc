#include "flow/flow_table.h"

#include <algorithm>
#include <bit>
#include <memory>

#include "base/anonymous_memory.h"
#include "base/error.h"
#include "flow/flow_set.h"

namespace flowmark {
namespace {

constexpr uint32_t kMaxCapacity = 1U << 28;
constexpr uint32_t kMaxTimeoutMs = 3'600'000;

/// Twice as many places as flows: with two sets to choose from, none is ever full in practice.
constexpr uint32_t set_count(uint32_t capacity) {
  return std::max(2U, 2 * capacity / FlowSet::kLanes);
}
constexpr uint32_t kSpareLanes = 3;
constexpr uint32_t kWalkAhead = 32;

uint32_t check(const char* name, uint32_t value, uint32_t low, uint32_t high) {
  if (value < low || value > high) {
    fail("flow table: {}: {} is out of range, allowed is {} to {}", name, value, low, high);
  }
  return value;
}

}  // namespace

FlowTable::FlowTable(const Options& options, FlowRemovalListener& listener)
    : capacity_(std::bit_ceil(check("capacity", options.capacity, 1, kMaxCapacity))),
      options_(options),
      least_timeout_ms_(std::min(
          {options.timeouts.idle_ms, options.timeouts.closing_ms, options.timeouts.young_ms})),
      listener_(listener) {
  check("idle_ms", options.timeouts.idle_ms, 0, kMaxTimeoutMs);
  check("closing_ms", options.timeouts.closing_ms, 0, kMaxTimeoutMs);
  check("young_ms", options.timeouts.young_ms, 0, kMaxTimeoutMs);
  set_mask_ = set_count(capacity_) - 1;
  id_end_ = set_count(capacity_) * FlowSet::kLanes;
  entry_memory_ = AnonymousMemory(size_t{id_end_} * sizeof(FlowEntry), true);
  set_memory_ = AnonymousMemory(size_t{set_count(capacity_)} * sizeof(FlowSet), true);
  entries_ = static_cast<FlowEntry*>(entry_memory_.data());
  sets_ = static_cast<FlowSet*>(set_memory_.data());
  std::uninitialized_default_construct_n(entries_, id_end_);
}

FlowTable::~FlowTable() = default;

size_t FlowTable::memory_bytes(uint32_t capacity) noexcept {
  const uint32_t rounded = std::bit_ceil(std::clamp(capacity, 1U, kMaxCapacity));
  return size_t{set_count(rounded)} * (FlowSet::kLanes * sizeof(FlowEntry) + sizeof(FlowSet));
}

bool FlowTable::in_use(FlowId id) const noexcept {
  return id < id_end_ && sets_[id / FlowSet::kLanes].tag(id % FlowSet::kLanes) != 0;
}

FlowId FlowTable::next_in_use(FlowId id) const noexcept {
  id = id < id_end_ ? id : 0;
  for (uint32_t looked = 0; looked < kMostSkipped + FlowSet::kLanes;) {
    if (id % FlowSet::kLanes == 0 && sets_[id / FlowSet::kLanes].is_empty()) {
      id += FlowSet::kLanes;
      looked += FlowSet::kLanes;
    } else if (in_use(id)) {
      return id;
    } else {
      ++id;
      ++looked;
    }
    if (id == id_end_) id = 0;
  }
  return kNoFlow;
}

FlowTable::Place FlowTable::place_of(uint64_t hash_value) const noexcept {
  const auto first = static_cast<uint32_t>(hash_value) & set_mask_;
  auto second = static_cast<uint32_t>(hash_value >> 24) & set_mask_;
  if (second == first) second ^= 1;
  return {{first, second}, tag_of(hash_value)};
}

FlowId FlowTable::probe(const Place& place, const FlowKey& key) const noexcept {
  for (const uint32_t set : place.sets) {
    for (uint64_t found = sets_[set].matches(place.tag); found != 0; found &= found - 1) {
      const FlowId id = set * FlowSet::kLanes + FlowSet::first(found);
      if (entries_[id].key.is(key)) return id;
    }
  }
  return kNoFlow;
}

void FlowTable::advance_clock(TimeUs now_us) noexcept {
  if (now_us <= now_us_) return;
  const TimeUs leap_ms = now_us / kUsPerMs - now_us_ / kUsPerMs;
  const bool is_first = now_us_ == INT64_MIN;
  now_ms_ +=
      static_cast<uint32_t>(is_first ? now_us / kUsPerMs : std::min(leap_ms, kLongestLeapMs));
  now_us_ = now_us;
}

bool FlowTable::is_expired(const FlowEntry& entry) const noexcept {
  const uint32_t idle_ms = now_ms_ - entry.last_seen_ms;
  const FlowLife life{.packets = entry.packets, .is_closing = (entry.flags & kClosing) != 0};
  return life.has_ended(idle_ms, options_.timeouts);
}

void FlowTable::find_or_insert(std::span<const FlowKey* const> keys,
                               std::span<const uint64_t> hashes, TimeUs now_us,
                               std::span<FlowId> out) noexcept {
  prefetch(hashes);
  expect(hashes, out);
  find_or_insert_expected(keys, hashes, now_us, out);
}

// First the flows that are there: touched, they are not evicted for those that are not.
void FlowTable::find_or_insert_expected(std::span<const FlowKey* const> keys,
                                        std::span<const uint64_t> hashes, TimeUs now_us,
                                        std::span<FlowId> ids) noexcept {
  advance_clock(now_us);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (ids[i] != kNoFlow) continue;
    const Place place = place_of(hashes[i]);
    const uint64_t found = sets_[place.sets[1]].matches(place.tag);
    if (found == 0) continue;
    ids[i] = place.sets[1] * FlowSet::kLanes + FlowSet::first(found);
    __builtin_prefetch(entries_ + ids[i], 1);
  }
  size_t missing = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    const FlowKey& key = *keys[i];
    if (ids[i] == kNoFlow || !entries_[ids[i]].key.is(key)) [[unlikely]] {
      ids[i] = probe(place_of(hashes[i]), key);
      if (ids[i] == kNoFlow) {
        ++missing;
        continue;
      }
    }
    touch(ids[i]);
  }
  for (size_t i = 0; missing > 0; ++i) {
    if (ids[i] != kNoFlow) continue;
    --missing;
    const Place place = place_of(hashes[i]);
    ids[i] = probe(place, *keys[i]);  // a packet before may have created it
    if (ids[i] == kNoFlow) ids[i] = insert(place, *keys[i]);
  }
  for (const FlowId id : ids) {  // by themselves, as in Classifier::Impl::find_flows()
    if (id == kNoFlow || entries_[id].state == nullptr) continue;
    __builtin_prefetch(entries_[id].append_touches(), 1);
  }
}

FlowId FlowTable::find(const FlowKey& key) const noexcept {
  return probe(place_of(hash_of(key)), key);
}

/// This flow has a packet. One past its timeout ends and begins anew.
void FlowTable::touch(FlowId id) noexcept {
  FlowEntry& entry = entries_[id];
  const uint32_t idle_ms = now_ms_ - entry.last_seen_ms;
  if (idle_ms > least_timeout_ms_ && is_expired(entry)) [[unlikely]] {
    listener_.on_remove(id, entry, Removal::expired);
    ++counters_.expired;
    start_flow(id, entry.key);
  }
  entry.last_seen_ms = now_ms_;
}

void FlowTable::start_flow(FlowId id, const EntryKey& key) noexcept {
  FlowEntry fresh;
  fresh.key = key;
  fresh.last_seen_ms = now_ms_;
  entries_[id] = fresh;
  ++counters_.inserted;
}

FlowId FlowTable::insert(const Place& place, const FlowKey& key) noexcept {
  uint32_t empty[2] = {sets_[place.sets[0]].empty_lanes(), sets_[place.sets[1]].empty_lanes()};
  if (size_ == capacity_ || empty[0] + empty[1] == 0) {
    if (!make_room(place)) return kNoFlow;
    for (uint32_t i = 0; i < 2; ++i) empty[i] = sets_[place.sets[i]].empty_lanes();
  }
  // The first set as long as it is not nearly full, so that most lookups touch no other; from then
  // on the emptier one (docs/adr/0001-flow-table.md).
  const bool takes_second = empty[0] < kSpareLanes && empty[1] > empty[0];
  const uint32_t set = place.sets[takes_second ? 1 : 0];
  const uint32_t lane = FlowSet::first(sets_[set].matches(0));
  sets_[set].set(lane, place.tag);
  ++size_;
  start_flow(set * FlowSet::kLanes + lane, EntryKey(key));
  return set * FlowSet::kLanes + lane;
}

/// Removes the flow of the two sets that holds its place least and, of several, has been idle
/// longest. Nobody goes who had a packet in this burst: its id is in use.
bool FlowTable::make_room(const Place& place) noexcept {
  FlowId victim = kNoFlow;
  Hold least = Hold::lasting;
  uint32_t longest_ms = options_.timeouts.young_ms;
  for (const uint32_t set : place.sets) {
    for (uint32_t lane = 0; lane < FlowSet::kLanes; ++lane) {
      if (sets_[set].tag(lane) == 0) continue;
      const FlowId id = set * FlowSet::kLanes + lane;
      const Hold hold = hold_of(entries_[id]);
      const uint32_t idle_ms = now_ms_ - entries_[id].last_seen_ms;
      if (hold > least || idle_ms <= (hold < least ? 0 : longest_ms)) continue;
      least = hold;
      longest_ms = idle_ms;
      victim = id;
    }
  }
  if (victim == kNoFlow) {
    ++counters_.full;
    return false;
  }
  remove(victim, Removal::evicted);
  ++counters_.evicted;
  return true;
}

void FlowTable::remove(FlowId id, Removal reason) noexcept {
  FlowEntry& entry = entries_[id];
  listener_.on_remove(id, entry, reason);
  sets_[id / FlowSet::kLanes].set(id % FlowSet::kLanes, 0);
  entry.state = nullptr;
  entry.key.forget();
  --size_;
}

void FlowTable::erase(FlowId id) noexcept {
  if (in_use(id)) remove(id, Removal::cleared);
}

void FlowTable::expire_some(TimeUs now_us, uint32_t entries) noexcept {
  advance_clock(now_us);
  for (uint32_t left = std::min(entries, id_end_); left > 0;) {
    if (walk_ % FlowSet::kLanes == 0 && sets_[walk_ / FlowSet::kLanes].is_empty()) {
      const uint32_t skipped = std::min(left, FlowSet::kLanes);
      walk_ = (walk_ + skipped) & (id_end_ - 1);
      left -= skipped;
      continue;
    }
    // Fetched for a later burst: the walk goes on where nobody has been for a while.
    const FlowId ahead = (walk_ + kWalkAhead) & (id_end_ - 1);
    if (in_use(ahead)) __builtin_prefetch(entries_ + ahead);
    if (in_use(walk_) && is_expired(entries_[walk_])) {
      remove(walk_, Removal::expired);
      ++counters_.expired;
    }
    walk_ = (walk_ + 1) & (id_end_ - 1);
    --left;
  }
}

void FlowTable::clear() noexcept {
  for (FlowId id = 0; id < id_end_; ++id) erase(id);
}

}  // namespace flowmark
