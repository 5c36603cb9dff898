#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "flow/flow_table.h"

namespace flowmark {

/// A key for each number. Every other one is of IPv4: entries keep those in another form.
inline FlowKey key_of(uint32_t number) {
  FlowKey key;
  std::memcpy(key.a.data() + 12, &number, sizeof(number));
  if (number % 2 == 0) {
    key.a[10] = key.a[11] = key.b[10] = key.b[11] = 0xff;
  } else {
    key.b[0] = 1;
  }
  key.protocol = 17;
  return key;
}

inline uint32_t number_of(const FlowKey& key) {
  uint32_t number = 0;
  std::memcpy(&number, key.a.data() + 12, sizeof(number));
  return number;
}

/// What a table must do, said with a map. Told of each removal, it says whether that was allowed.
class MapModel final : public FlowRemovalListener {
 public:
  struct Flow {
    FlowId id;
    TimeUs last_us;
    uint16_t packets;
    uint8_t flags;
  };

  explicit MapModel(const FlowTable::Options& options)
      : options_(options), table_(options, *this) {}

  void on_remove(FlowId id, FlowEntry& entry, Removal) noexcept override {
    const auto found = flows.find(number_of(entry.key.key()));
    if (found == flows.end() || found->second.id != id || entry.state != &marker_) {
      ++wrong_removals;
      return;
    }
    const bool lasts = found->second.packets >= kLastingPackets;
    const bool is_idle = idle_ms(found->second) > (lasts ? options_.timeouts.young_ms : 0);
    if (!is_clearing && !is_expired(found->second) && !is_idle) ++wrong_removals;
    flows.erase(found);
    ++removals;
  }

  uint64_t idle_ms(const Flow& flow) const {
    return static_cast<uint64_t>(now_us / 1000 - flow.last_us / 1000);
  }
  bool is_expired(const Flow& flow) const {
    const uint32_t limit = (flow.flags & kClosing) != 0 ? options_.timeouts.closing_ms
                           : flow.packets <= 1          ? options_.timeouts.young_ms
                                                        : options_.timeouts.idle_ms;
    return idle_ms(flow) > limit;
  }

  /// A burst of packets of these flows, checked against the map.
  std::vector<FlowId> burst(const std::vector<uint32_t>& numbers, TimeUs time_us) {
    now_us = std::max(now_us, time_us);
    std::vector<FlowKey> keys(numbers.size());
    std::vector<const FlowKey*> pointers(numbers.size());
    std::vector<uint64_t> hashes(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
      keys[i] = key_of(numbers[i]);
      pointers[i] = &keys[i];
      hashes[i] = hash(keys[i]);
    }
    std::map<uint32_t, FlowId> alive;
    for (const auto& [number, flow] : flows) {
      if (!is_expired(flow)) alive[number] = flow.id;
    }
    std::vector<FlowId> ids(numbers.size(), kNoFlow - 1);
    table_.find_or_insert(pointers, hashes, time_us, ids);
    for (size_t i = 0; i < numbers.size(); ++i) check_packet(numbers[i], ids[i], alive);
    return ids;
  }

  void expire(TimeUs time_us, uint32_t entries) {
    now_us = std::max(now_us, time_us);
    table_.expire_some(time_us, entries);
  }

  void expect_same() {
    ASSERT_EQ(wrong_removals, 0U);
    ASSERT_EQ(table_.size(), flows.size());
    std::set<FlowId> ids;
    for (const auto& [number, flow] : flows) {
      ASSERT_TRUE(table_.in_use(flow.id));
      ASSERT_EQ(table_[flow.id].key.key(), key_of(number));
      ASSERT_EQ(table_.find(key_of(number)), flow.id);
      ids.insert(flow.id);
    }
    ASSERT_EQ(ids.size(), flows.size());
    uint32_t in_use = 0;
    for (FlowId id = 0; id < table_.id_end(); ++id) in_use += table_.in_use(id) ? 1 : 0;
    ASSERT_EQ(in_use, flows.size());
  }

  FlowTable& table() { return table_; }

  std::map<uint32_t, Flow> flows;
  TimeUs now_us = 0;
  uint64_t removals = 0;
  uint64_t wrong_removals = 0;
  uint64_t refused = 0;
  bool is_clearing = false;

 private:
  void check_packet(uint32_t number, FlowId id, const std::map<uint32_t, FlowId>& alive) {
    if (id == kNoFlow) {
      ++refused;
      ASSERT_EQ(flows.count(number), 0U) << "a flow that is there was not found";
      return;
    }
    FlowEntry& entry = table_[id];
    ASSERT_EQ(entry.key.key(), key_of(number)) << "another's entry";
    const auto before = alive.find(number);
    const auto found = flows.find(number);
    if (found == flows.end()) {
      ASSERT_EQ(entry.packets, 0U);
      ASSERT_EQ(entry.state, nullptr);
      ASSERT_EQ(entry.mark, kNoMark);
      ASSERT_EQ(entry.flags, 0U);
      entry.state = &marker_;
      flows[number] = {id, now_us, 0, 0};
    } else {
      ASSERT_EQ(found->second.id, id);
      if (before != alive.end()) {
        ASSERT_EQ(before->second, id);
      }
      found->second.last_us = now_us;
    }
    if (entry.packets != UINT8_MAX) ++entry.packets;
    ++flows[number].packets;
    if (number % 16 == 3 && entry.packets == 5) {
      entry.flags |= kClosing;
      flows[number].flags |= kClosing;
    }
  }

  FlowTable::Options options_;
  FlowTable table_;
  int marker_ = 0;
};

inline FlowTable::Options small_options() {
  FlowTable::Options options;
  options.capacity = 1024;
  options.timeouts.idle_ms = 10'000;
  options.timeouts.closing_ms = 500;
  options.timeouts.young_ms = 2'000;
  return options;
}

}  // namespace flowmark
