#include <gtest/gtest.h>

#include "feature/flowpic/sliding_picture.h"
#include "unit/window/flow_fixture.h"

namespace flowmark {
namespace {

using reference::Packets;
using reference::random_flow;

TEST(FlowWindows, PictureTakesNoMoreThanItsPixels) {
  Flow flow({picture_spec(60, 4096, 4096, 4096)});
  reference::Counts expected;
  uint32_t refused = 0;
  for (uint32_t i = 0; i < 10'000; ++i) {
    const TimeUs now = i / 1000;  // all in column 0
    const auto size = static_cast<uint16_t>(1 + i % 4096);
    const TimeUs later = i >= 4096 ? 20'000 + now : now;
    const AppendResult result = flow.append({later, size, Direction::up, false});
    refused += result == AppendResult::window_full ? 1 : 0;
    if (i >= 8192) continue;
    ASSERT_EQ(result, AppendResult::ok);
    ++expected[(size - 1U) * 4096 + (i >= 4096 ? 1 : 0)];
  }
  EXPECT_EQ(expected.size(), SlidingPicture::kMaxPixels);
  EXPECT_EQ(flow.features(0).size(), SlidingPicture::kMaxPixels);
  EXPECT_EQ(refused, 0U) << "packets of known pixels are counted also when the picture is full";
  EXPECT_EQ(flow.append({50'000, 9, Direction::up, false}), AppendResult::window_full);
  for (uint32_t i = 8192; i < 10'000; ++i) ++expected[(i % 4096) * 4096 + 1];
  EXPECT_EQ(flow.features(0), reference::values(expected, ValueKind::count, 0));
  // When the old columns have gone there is room again.
  EXPECT_EQ(flow.append({120'000'000, 9, Direction::up, false}), AppendResult::ok);
  EXPECT_EQ(flow.features(0), (SparseWindow{{8 * 4096 + 4095, 1}}));
}

TEST(FlowWindows, NoMemoryForTheObjectGivesNothing) {
  const WindowPlan plan(various_specs());
  BlockPool pool(BlockPool::kMaxBlock);
  std::vector<FlowWindows*> made;
  while (FlowWindows* windows = FlowWindows::create(plan, pool, {})) made.push_back(windows);
  EXPECT_GT(made.size(), 10U);
  for (FlowWindows* windows : made) FlowWindows::destroy(windows, plan, pool);
  EXPECT_EQ(pool.used(), 0U);
}

// Memory runs out under many flows at once; they go on, say so, and recover when it comes back.
TEST(FlowWindows, ExhaustedPoolHarmsNobody) {
  const WindowPlan plan({picture_spec(60, 1500, 1500, 1500), fine_histogram_spec(),
                         histogram_spec(HistogramKind::size_iat, 64)});
  BlockPool pool(2 * BlockPool::kMaxBlock);
  std::vector<FlowWindows*> flows;
  for (int i = 0; i < 40; ++i) flows.push_back(FlowWindows::create(plan, pool, {}));
  const Packets packets = random_flow(16, {});
  size_t short_of_memory = 0;
  SparseWindow out;
  for (size_t i = 0; i < packets.size(); ++i) {
    for (FlowWindows* flow : flows) {
      ASSERT_NE(flow, nullptr);
      const AppendResult result = flow->append(record_of(packets[i]), plan, pool);
      short_of_memory += result == AppendResult::out_of_memory ? 1 : 0;
      if (i % 200 != 0) continue;
      // A histogram was cut to its newest packets, but is right for those.
      const uint32_t count = flow->packets_in_window(1, Direction::up, plan);
      ASSERT_GE(count, 1U);
      flow->features(1, Direction::up, plan, out);
      const auto expected = reference::histogram(packets, i + 1 - count, i + 1, plan.specs()[1]);
      ASSERT_EQ(out, reference::values(expected, ValueKind::count, 0));
    }
  }
  EXPECT_GT(short_of_memory, 1000U);
  FlowWindows* survivor = flows.back();
  flows.pop_back();
  for (FlowWindows* flow : flows) FlowWindows::destroy(flow, plan, pool);
  for (const FlowPacket& packet : packets) {
    FlowPacket later = packet;
    later.time_us += 1'000'000'000;
    EXPECT_EQ(survivor->append(record_of(later), plan, pool), AppendResult::ok);
  }
  EXPECT_EQ(survivor->packets_in_window(1, Direction::up, plan), 1024U);
  FlowWindows::destroy(survivor, plan, pool);
  EXPECT_EQ(pool.used(), 0U);
}

TEST(FlowWindows, MemoryOfABusyTimeComesBack) {
  Flow flow({picture_spec(60, 1500, 1500, 1500)});
  for (int i = 0; i < 8000; ++i) {
    flow.append({i * 7000, uint16_t(1 + i % 1500), Direction::up, false});
  }
  const size_t busy = flow.pool().used();
  for (int i = 0; i < 400; ++i) {
    flow.append({60'000'000 + i * 1'000'000, 100, Direction::up, false});
  }
  EXPECT_GT(busy, 64U * 1024U);
  EXPECT_LT(flow.pool().used(), 12U * 1024U);
}

}  // namespace
}  // namespace flowmark
