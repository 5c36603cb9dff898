// Who has to leave a full table.
#include <gtest/gtest.h>

#include <vector>

#include "unit/flow/map_model.h"

namespace flowmark {
namespace {

TEST(FlowTableFull, FullTableRefusesUntilSomebodyIsIdleThenEvictsTheIdlest) {
  FlowTable::Options options = small_options();
  options.capacity = 16;  // four buckets
  MapModel model(options);
  for (uint32_t i = 0; i < 16; ++i) {
    model.burst(std::vector<uint32_t>(kLastingPackets, i), 1'000'000 + i * 1000);
  }
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

// Two sets: every key may lie anywhere.
TEST(FlowTableFull, FullTableEvictsWhoHoldsLeastFirst) {
  FlowTable::Options options = small_options();
  options.capacity = 8;
  MapModel model(options);
  const auto send = [&model](uint32_t flow, size_t packets, uint8_t ways) {
    model.burst(std::vector<uint32_t>(packets, flow), model.now_us + 1000);
    model.table()[model.flows.at(flow).id].flags |= ways;
  };
  constexpr uint8_t kBoth = kSentUp | kSentDown;
  send(1, kLastingPackets, kSentUp);
  send(2, kLastingPackets, kBoth);
  send(3, 2, kBoth);
  send(4, 7, kBoth);
  send(5, 7, kSentUp);
  send(6, 2, kSentDown);
  send(7, 1, kSentUp);
  send(8, 1, kSentDown);
  std::vector<uint32_t> gone;
  for (uint32_t fresh = 100; fresh < 106; ++fresh) {
    const auto before = model.flows;
    send(fresh, kLastingPackets, kSentUp);
    for (const auto& [flow, kept] : before) {
      if (model.flows.count(flow) == 0) gone.push_back(flow);
    }
  }
  EXPECT_EQ(gone, (std::vector<uint32_t>{7, 8, 5, 6, 3, 4})) << "of two that hold alike the idler";
  EXPECT_EQ(model.burst({200}, model.now_us + 1000), std::vector<FlowId>{kNoFlow});
  EXPECT_EQ(model.wrong_removals, 0U);
}

// Also where the newcomer's packet is ahead of his own.
TEST(FlowTableFull, AFlowThatGoesOnInABurstIsNotEvictedForANewOne) {
  FlowTable::Options options = small_options();
  options.capacity = 8;
  MapModel model(options);
  model.burst({1, 2, 3, 4, 5, 6, 7, 8}, 1000);
  model.burst({100, 101, 1, 2, 3, 4, 5, 6}, 9000);
  for (const uint32_t flow : {1U, 2U, 3U, 4U, 5U, 6U, 100U, 101U}) {
    EXPECT_EQ(model.flows.count(flow), 1U) << flow;
  }
}

TEST(FlowTableFull, NobodyIsEvictedInTheBurstThatFoundHim) {
  FlowTable::Options options = small_options();
  options.capacity = 8;
  MapModel model(options);
  std::vector<uint32_t> numbers(20);
  for (uint32_t i = 0; i < 20; ++i) numbers[i] = i;
  model.burst(numbers, 1000);
  EXPECT_EQ(model.refused, 12U);
  EXPECT_EQ(model.removals, 0U);
}

}  // namespace
}  // namespace flowmark
