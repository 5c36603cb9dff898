#include "flow/flow_table.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <set>
#include <vector>

#include "base/error.h"
#include "unit/flow/map_model.h"

namespace flowmark {
namespace {

void run_random(uint64_t seed, uint32_t flows, TimeUs step_us, uint32_t walk) {
  MapModel model(small_options());
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
    MapModel model(options);
    EXPECT_EQ(model.table().capacity(), std::bit_ceil(capacity));
    std::vector<uint32_t> numbers;
    for (uint32_t i = 0; i < model.table().capacity(); ++i) numbers.push_back(i * 77);
    model.burst(numbers, 1000);
    ASSERT_NO_FATAL_FAILURE(model.expect_same());
    EXPECT_EQ(model.table().size(), model.table().capacity());
    EXPECT_EQ(model.refused, 0U);
  }
}

TEST(FlowTable, EraseTellsTheListenerOnce) {
  MapModel model(small_options());
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

TEST(FlowTable, SaysWhatMemoryItTakes) {
  EXPECT_EQ(FlowTable::memory_bytes(1 << 16), 2 * (64U + 2U) * 65536U);
  EXPECT_EQ(FlowTable::memory_bytes(65535), FlowTable::memory_bytes(65536));
}

TEST(FlowTable, RefusesOptionsOutOfRange) {
  MapModel model(small_options());
  FlowTable::Options options;
  options.capacity = 0;
  EXPECT_THROW(FlowTable(options, model), Error);
  options.capacity = 0xffffffff;
  EXPECT_THROW(FlowTable(options, model), Error);
  options = {};
  options.timeouts.idle_ms = 3'600'001;
  EXPECT_THROW(FlowTable(options, model), Error);
}

TEST(FlowTable, WalksOverTheEntriesInUse) {
  struct Nobody final : FlowRemovalListener {
    void on_remove(FlowId, FlowEntry&, Removal) noexcept override {}
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
    void on_remove(FlowId, FlowEntry&, Removal) noexcept override {}
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
