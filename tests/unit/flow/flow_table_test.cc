#include "flow/flow_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "base/error.h"

namespace flowmark {
namespace {

// Every other one of IPv4: entries keep those in another form.
FlowKey key_of(uint32_t number) {
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

uint32_t number_of(const FlowKey& key) {
  uint32_t number = 0;
  std::memcpy(&number, key.a.data() + 12, sizeof(number));
  return number;
}

/// What a table must do, said with a map. Told of each removal, it says whether that was allowed.
class Model final : public FlowRemovalListener {
 public:
  struct Flow {
    FlowId id;
    TimeUs last_us;
    uint16_t packets;
    uint8_t flags;
  };

  explicit Model(const FlowTable::Options& options) : options_(options), table_(options, *this) {}

  void on_remove(FlowId id, FlowEntry& entry) noexcept override {
    const auto found = flows.find(number_of(entry.key.key()));
    if (found == flows.end() || found->second.id != id || entry.state != &marker_) {
      ++wrong_removals;
      return;
    }
    const bool is_idle = idle_ms(found->second) > options_.young_timeout_ms;
    if (!is_clearing && !is_expired(found->second) && !is_idle) ++wrong_removals;
    flows.erase(found);
    ++removals;
  }

  uint64_t idle_ms(const Flow& flow) const {
    return static_cast<uint64_t>(now_us / 1000 - flow.last_us / 1000);
  }
  bool is_expired(const Flow& flow) const {
    const uint32_t limit = (flow.flags & kClosing) != 0 ? options_.closing_timeout_ms
                           : flow.packets <= 1          ? options_.young_timeout_ms
                                                        : options_.idle_timeout_ms;
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
    ++entry.packets;
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

FlowTable::Options small_options() {
  FlowTable::Options options;
  options.capacity = 1024;
  options.idle_timeout_ms = 10'000;
  options.closing_timeout_ms = 500;
  options.young_timeout_ms = 2'000;
  return options;
}

void run_random(uint64_t seed, uint32_t flows, TimeUs step_us, uint32_t walk) {
  Model model(small_options());
  std::mt19937_64 random(seed);
  TimeUs now = 1'700'000'000'000'000;
  for (int round = 0; round < 3000; ++round) {
    now += static_cast<TimeUs>(random() % static_cast<uint64_t>(2 * step_us));
    std::vector<uint32_t> numbers(random() % (2 * FlowTable::kMaxBurst));
    for (uint32_t& number : numbers) {
      number = static_cast<uint32_t>(random() % (random() % 2 == 0 ? flows : flows / 16 + 1));
    }
    const TimeUs shown = random() % 10 == 0 ? now - 5000 : now;
    model.burst(numbers, shown);
    model.expire(now, walk);
    if (testing::Test::HasFatalFailure()) return;
    if (round % 50 == 0) {
      ASSERT_NO_FATAL_FAILURE(model.expect_same());
    }
  }
  ASSERT_NO_FATAL_FAILURE(model.expect_same());
  const FlowTable::Counters& counters = model.table().counters();
  EXPECT_EQ(counters.expired + counters.evicted, model.removals);
  EXPECT_EQ(counters.inserted, model.removals + model.flows.size());
  EXPECT_EQ(counters.full, model.refused);
  model.is_clearing = true;
  model.table().clear();
  EXPECT_EQ(model.table().size(), 0U);
  ASSERT_NO_FATAL_FAILURE(model.expect_same());
}

TEST(FlowTable, BehavesAsAMapWithRoom) {
  run_random(1, 900, 3'000, 32);
}
TEST(FlowTable, BehavesAsAMapWithMuchExpiry) {
  run_random(2, 900, 300'000, 16);
}
TEST(FlowTable, BehavesAsAMapWithoutTheWalk) {
  run_random(3, 900, 300'000, 0);
}
TEST(FlowTable, BehavesAsAMapWhenFull) {
  run_random(4, 5000, 10'000, 8);
}
TEST(FlowTable, BehavesAsAMapWhenFullOfTheYoung) {
  run_random(5, 100'000, 1'000, 8);
}

TEST(FlowTable, TakesAsManyFlowsAsItSays) {
  FlowTable::Options options;
  for (const uint32_t capacity : {1U, 2U, 3U, 64U, 100U, 1U << 16}) {
    options.capacity = capacity;
    Model model(options);
    EXPECT_EQ(model.table().capacity(), std::bit_ceil(capacity));
    std::vector<uint32_t> numbers;
    for (uint32_t i = 0; i < model.table().capacity(); ++i) numbers.push_back(i * 77);
    model.burst(numbers, 1000);
    ASSERT_NO_FATAL_FAILURE(model.expect_same());
    EXPECT_EQ(model.table().size(), model.table().capacity());
    EXPECT_EQ(model.refused, 0U);
  }
}

TEST(FlowTable, FullTableRefusesUntilSomebodyIsIdleThenEvictsTheIdlest) {
  FlowTable::Options options = small_options();
  options.capacity = 16;  // four buckets
  Model model(options);
  for (uint32_t i = 0; i < 16; ++i) model.burst({i, i, i}, 1'000'000 + i * 1000);
  EXPECT_EQ(model.burst({100}, 2'000'000), std::vector<FlowId>{kNoFlow});
  EXPECT_EQ(model.table().counters().full, 1U);
  EXPECT_EQ(model.burst({100}, 3'005'000).front(), model.burst({100}, 3'005'000).front());
  EXPECT_EQ(model.table().counters().evicted, 1U);
  ASSERT_NO_FATAL_FAILURE(model.expect_same());
  // At 3.005 s only flows 0 to 4 had been idle for more than two seconds.
  uint32_t gone = 0;
  for (uint32_t i = 0; i < 16; ++i) gone += model.flows.count(i) == 0 ? i + 1 : 0;
  EXPECT_GE(gone, 1U);
  EXPECT_LE(gone, 5U);
}

TEST(FlowTable, TimeoutsCountFromTheLastPacketAndByKind) {
  Model model(small_options());
  model.burst({1}, 0);              // young
  model.burst({2, 2}, 0);           // ordinary
  model.burst({3, 3, 3, 3, 3}, 0);  // closing
  model.expire(500'999, model.table().id_end());
  EXPECT_EQ(model.table().size(), 3U);
  model.expire(501'000, model.table().id_end());
  EXPECT_EQ(model.table().size(), 2U);
  EXPECT_EQ(model.table().find(key_of(3)), kNoFlow);
  model.burst({2}, 1'000'000);
  model.expire(2'001'000, model.table().id_end());
  EXPECT_EQ(model.table().find(key_of(1)), kNoFlow);
  model.expire(11'000'999, model.table().id_end());
  EXPECT_NE(model.table().find(key_of(2)), kNoFlow);
  model.expire(11'001'000, model.table().id_end());
  EXPECT_EQ(model.table().size(), 0U);
  EXPECT_EQ(model.table().counters().expired, 3U);
}

TEST(FlowTable, AFlowPastItsTimeoutBeginsAnew) {
  Model model(small_options());
  model.burst({7, 7, 7}, 0);
  model.burst({7}, 10'001'000);
  EXPECT_EQ(model.removals, 1U);
  EXPECT_EQ(model.table()[model.flows.at(7).id].packets, 1U);
  EXPECT_EQ(model.table().counters().inserted, 2U);
  EXPECT_EQ(model.table().counters().expired, 1U);
}

TEST(FlowTable, TheWalkComesByEverybodyInTurn) {
  FlowTable::Options options = small_options();
  Model model(options);
  std::vector<uint32_t> numbers(1000);
  for (uint32_t i = 0; i < 1000; ++i) numbers[i] = i;
  model.burst(numbers, 0);
  uint32_t calls = 0;
  for (; model.table().size() > 0 && calls < 1000; ++calls) model.expire(60'000'000, 10);
  EXPECT_LE(calls, model.table().id_end() / 10 + 1);
  ASSERT_NO_FATAL_FAILURE(model.expect_same());
}

TEST(FlowTable, EraseTellsTheListenerOnce) {
  Model model(small_options());
  model.is_clearing = true;
  const FlowId id = model.burst({5}, 0).front();
  model.table().erase(id);
  model.table().erase(id);
  model.table().erase(kNoFlow);
  EXPECT_EQ(model.removals, 1U);
  EXPECT_EQ(model.table().size(), 0U);
  EXPECT_FALSE(model.table().in_use(id));
  EXPECT_EQ(model.table().find(key_of(5)), kNoFlow);
}

TEST(FlowTable, RunsOnWhenTheMillisecondsWrap) {
  Model model(small_options());
  const TimeUs wrap = (TimeUs{1} << 32) * 1000;
  model.burst({1, 1}, wrap - 5'000'000);
  model.burst({1}, wrap + 4'000'000);
  model.expire(wrap + 4'000'000, model.table().id_end());
  EXPECT_EQ(model.table().size(), 1U);
  model.expire(wrap + 14'001'000, model.table().id_end());
  EXPECT_EQ(model.table().size(), 0U);
  EXPECT_EQ(model.wrong_removals, 0U);
}

// Milliseconds in 32 bits come round after 49.7 days.
TEST(FlowTable, ALeapOfAnyLengthIsPastEveryTimeout) {
  constexpr TimeUs kRound = (TimeUs{1} << 32) * 1000;
  constexpr TimeUs kDay = TimeUs{24} * 3600 * 1'000'000;
  for (const TimeUs leap_us : {kDay, kRound, kRound + 1'000'000, 1000 * kDay}) {
    Model model(small_options());
    TimeUs now_us = 1'700'000'000'000'000;
    model.burst({1, 1, 2, 2}, now_us);
    now_us += leap_us;
    model.burst({1}, now_us);
    EXPECT_EQ(model.removals, 1U) << leap_us << ": its key begins a new flow";
    model.expire(now_us, model.table().id_end());
    EXPECT_EQ(model.table().size(), 1U) << leap_us;
    EXPECT_EQ(model.wrong_removals, 0U);
  }
}

TEST(FlowTable, TellsOtherTimesOnItsClock) {
  Model model(small_options());
  TimeUs now_us = 1'700'000'000'000'000;
  for (const TimeUs leap_us : {0, 999, 1'000'000'000}) {
    now_us += leap_us;
    model.burst({1}, now_us);
    EXPECT_EQ(model.table().to_ms(now_us), model.table().now_ms());
    EXPECT_EQ(model.table().to_ms(now_us + 5'000'000) - model.table().now_ms(), 5000U);
    EXPECT_EQ(model.table().now_ms() - model.table().to_ms(now_us - 5'000'000), 5000U);
  }
}

TEST(FlowTable, SaysWhatMemoryItTakes) {
  EXPECT_EQ(FlowTable::memory_bytes(1 << 16), 2 * (64U + 2U) * 65536U);
  EXPECT_EQ(FlowTable::memory_bytes(65535), FlowTable::memory_bytes(65536));
}

TEST(FlowTable, RefusesOptionsOutOfRange) {
  Model model(small_options());
  FlowTable::Options options;
  options.capacity = 0;
  EXPECT_THROW(FlowTable(options, model), Error);
  options.capacity = 0xffffffff;
  EXPECT_THROW(FlowTable(options, model), Error);
  options = {};
  options.idle_timeout_ms = 3'600'001;
  EXPECT_THROW(FlowTable(options, model), Error);
}

TEST(FlowTable, WalksOverTheEntriesInUse) {
  struct Nobody final : FlowRemovalListener {
    void on_remove(FlowId, FlowEntry&) noexcept override {}
  } nobody;
  FlowTable table({.capacity = 1024}, nobody);
  EXPECT_EQ(table.next_in_use(0), kNoFlow);
  std::set<FlowId> expected;
  for (uint32_t number = 0; number < 200; ++number) {
    const FlowKey key = key_of(number);
    const FlowKey* pointer = &key;
    const uint64_t hash_value = hash(key);
    FlowId id = kNoFlow;
    table.find_or_insert({&pointer, 1}, {&hash_value, 1}, 1, {&id, 1});
    expected.insert(id);
  }
  for (const FlowId id : {*expected.begin(), *expected.rbegin()}) {
    table.erase(id);
    expected.erase(id);
  }
  std::set<FlowId> walked;
  FlowId at = 500;
  for (size_t i = 0; i < expected.size(); ++i) {
    const FlowId id = table.next_in_use(at);
    ASSERT_NE(id, kNoFlow);
    ASSERT_TRUE(walked.insert(id).second) << "twice in one round";
    at = id + 1;
  }
  EXPECT_EQ(walked, expected);
}

// An outsider who knows the hash can fill a key's two sets; under a drawn secret he cannot.
TEST(FlowTable, ADrawnSecretKeepsCraftedFlowsApart) {
  struct Nobody final : FlowRemovalListener {
    void on_remove(FlowId, FlowEntry&) noexcept override {}
  } nobody;
  std::vector<FlowKey> crafted;
  for (uint32_t number = 0; crafted.size() < 40; ++number) {
    const FlowKey key = key_of(number);
    // Both sets: bits 0 and 24 on, of a table of 256 sets.
    if ((hash(key) & 0xff) == 5 && ((hash(key) >> 24) & 0xff) == 9) crafted.push_back(key);
  }
  const auto taken = [&](const HashSecret& secret) {
    FlowTable table({.capacity = 1024, .secret = secret}, nobody);
    for (const FlowKey& key : crafted) {
      const FlowKey* pointer = &key;
      const uint64_t hash_value = table.hash_of(key);
      FlowId id = kNoFlow;
      table.find_or_insert({&pointer, 1}, {&hash_value, 1}, 1000, {&id, 1});
    }
    return table.size();
  };
  EXPECT_EQ(taken({}), 16U);  // two sets of eight
  EXPECT_EQ(taken(HashSecret::draw()), 40U);
  EXPECT_EQ(taken(HashSecret::draw()), 40U);
}

}  // namespace
}  // namespace flowmark
