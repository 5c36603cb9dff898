// Kinds whose offline windows are those of live flows at the same packet: both must be equal to the
// last bit, over random flows, however packets are grouped on their way.
#include <gtest/gtest.h>

#include <random>

#include "feature/numbers/flow_numbers.h"
#include "unit/window/flow_fixture.h"
#include "window/offline_windows.h"

namespace flowmark {
namespace {

using reference::Packets;
using reference::random_flow;
using reference::Shape;

std::vector<FeatureSpec> cut_live_specs() {
  return {
      flow_numbers({}),
      flow_numbers({.window_us = 2 * kUsPerSecond, .first = 16}),
      flow_numbers({.window_us = 60 * kUsPerSecond, .first = 0}),
      FeatureSpec::from_json(R"({"kind":"joint"})", "test"),
      FeatureSpec::from_json(R"({"kind":"joint","parts":[
          {"kind":"combined","window_packets":300,"window_s":2,"values":"log1p"},
          {"kind":"flowpic","window_s":0.7,"time_bins":13,"size_bins":1500,"values":"log1p"},
          {"kind":"flowpic","window_s":15,"time_bins":32,"size_bins":32,"values":"binary"},
          {"kind":"size_iat","window_packets":1},
          {"kind":"combined","window_s":5,"slices":5,"values":"log1p"}]})",
                             "test"),
      FeatureSpec::from_json(R"({"kind":"combined","window_s":60,"slices":8})", "test"),
  };
}

/// The offline window of a flow's first packets.
OfflineWindow beginning(const Packets& packets, const FeatureSpec& spec, uint32_t count) {
  TilingOptions options;
  options.prefix_packets = count;
  OfflineWindow found;
  cut_windows({"", "", packets}, spec, options,
              [&](const OfflineWindow& window) { found = window; });
  return found;
}

/// Packets go into the flow in groups of any size; read at times, compared with the offline window.
void expect_live_is_offline(const Packets& packets, const FeatureSpec& spec, uint64_t seed) {
  const WindowPlan plan({spec});
  BlockPool pool(4 << 20);
  FlowWindows* windows = FlowWindows::create(plan, pool, {});
  std::mt19937_64 random(seed);
  size_t compared = 0;
  for (size_t at = 0; at < packets.size();) {
    const size_t count = std::min<size_t>(1 + random() % 300, packets.size() - at);
    std::vector<PacketRecord> records;
    for (size_t i = at; i < at + count; ++i) records.push_back(record_of(packets[i]));
    at += count;
    ASSERT_EQ(windows->add(records, plan, pool), AppendResult::ok);
    if (random() % 4 != 0 && at < packets.size()) continue;
    while (windows->behind() > 0) {
      windows->catch_up(plan, pool, static_cast<uint32_t>(1 + random() % 300));
    }
    SparseWindow live;
    windows->features(0, Direction::up, plan, live);
    const OfflineWindow offline = beginning(packets, spec, static_cast<uint32_t>(at));
    ASSERT_EQ(live, offline.features) << at << " packets";
    ASSERT_EQ(windows->packets_in_window(0, Direction::up, plan), offline.packets);
    ++compared;
  }
  EXPECT_GE(compared, 2U);
  FlowWindows::destroy(windows, plan, pool);
  EXPECT_EQ(pool.used(), 0U);
}

void expect_all_live_are_offline(const Shape& shape, uint64_t seed) {
  const Packets packets = random_flow(seed, shape);
  for (const FeatureSpec& spec : cut_live_specs()) {
    SCOPED_TRACE(spec.to_json());
    ASSERT_NO_FATAL_FAILURE(expect_live_is_offline(packets, spec, seed));
  }
}

TEST(LiveCut, OrdinaryFlowsAreTheSameLiveAndOffline) {
  for (const uint64_t seed : {1, 2, 3}) expect_all_live_are_offline({}, seed);
}

TEST(LiveCut, DenseAndOddFlowsAreTheSame) {
  Shape dense;
  dense.mean_gap_us = 300;
  expect_all_live_are_offline(dense, 4);
  Shape odd;
  odd.odd_sizes = true;
  odd.back_chance = 0.2;
  expect_all_live_are_offline(odd, 5);
  Shape one_way;
  one_way.only_up = true;
  expect_all_live_are_offline(one_way, 6);
}

std::vector<OfflineWindow> all_windows(const Packets& packets, const FeatureSpec& spec,
                                       const TilingOptions& options) {
  std::vector<OfflineWindow> windows;
  cut_windows({"", "", packets}, spec, options,
              [&](const OfflineWindow& window) { windows.push_back(window); });
  return windows;
}

/// A packet every 100 ms.
Packets even_flow(size_t count) {
  Packets packets;
  for (size_t i = 0; i < count; ++i) {
    packets.push_back({static_cast<TimeUs>(i) * 100'000, 100, Direction::up, false});
  }
  return packets;
}

TEST(LiveCut, AKindWithoutLimitsHasOneWindowOfAllTheFlow) {
  const auto windows = all_windows(even_flow(3000), flow_numbers({}), {});
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].packets, 3000U);
  EXPECT_EQ(windows[0].features, beginning(even_flow(3000), flow_numbers({}), 3000).features);
}

TEST(LiveCut, WindowsOfTimeFollowOneAnother) {
  const FeatureSpec spec = flow_numbers({.window_us = 2 * kUsPerSecond});
  const Packets packets = even_flow(45);
  const auto windows = all_windows(packets, spec, {});
  ASSERT_EQ(windows.size(), 3U);
  for (uint32_t k = 0; k < 3; ++k) {
    EXPECT_EQ(windows[k].number, k);
    EXPECT_EQ(windows[k].start_us, k * 2'000'000);
    EXPECT_EQ(windows[k].features, beginning(packets, spec, std::min(20 * (k + 1), 45U)).features);
  }
}

TEST(LiveCut, WithAHopWindowsOverlap) {
  const FeatureSpec spec = flow_numbers({.window_us = 2 * kUsPerSecond});
  const Packets packets = even_flow(45);
  TilingOptions options;
  options.hop_us = kUsPerSecond;
  const auto windows = all_windows(packets, spec, options);
  ASSERT_EQ(windows.size(), 5U);
  for (uint32_t k = 0; k < 5; ++k) {
    EXPECT_EQ(windows[k].start_us, k * 1'000'000);
    EXPECT_EQ(windows[k].features, beginning(packets, spec, std::min(10 * k + 20, 45U)).features);
  }
}

// Windows of 20 packets, or of 1.5 s where these come first; an incomplete last one is kept.
TEST(LiveCut, AJointWindowEndsAtWhicheverLimitComesFirst) {
  const FeatureSpec spec = FeatureSpec::from_json(R"({"kind":"joint","parts":[
      {"kind":"flowpic","window_s":1.5,"time_bins":8,"size_bins":8},
      {"kind":"size_iat","window_packets":20}]})",
                                                  "test");
  Packets packets = even_flow(40);
  for (size_t i = 0; i < 20; ++i) packets[i].time_us = static_cast<TimeUs>(i) * 1000 + 1'900'000;
  const auto windows = all_windows(packets, spec, {});
  ASSERT_EQ(windows.size(), 3U);
  EXPECT_EQ(windows[0].features, beginning(packets, spec, 20).features);
  EXPECT_EQ(windows[1].features, beginning(packets, spec, 35).features);
  EXPECT_EQ(windows[2].features, beginning(packets, spec, 40).features);
}

TEST(LiveCut, APacketWindowThatIsNotFullAtTheEndIsDropped) {
  const FeatureSpec spec = FeatureSpec::from_json(
      R"({"kind":"joint","parts":[{"kind":"size_iat","window_packets":20}]})", "test");
  EXPECT_EQ(all_windows(even_flow(39), spec, {}).size(), 1U);
  EXPECT_EQ(all_windows(even_flow(40), spec, {}).size(), 2U);
}

TEST(LiveCut, ABeginningEndsAtItsOwnLimits) {
  const FeatureSpec spec = flow_numbers({.window_us = 2 * kUsPerSecond});
  const Packets packets = even_flow(100);
  TilingOptions options;
  options.prefix_us = 5 * kUsPerSecond;
  const auto windows = all_windows(packets, spec, options);
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].features, beginning(packets, spec, 50).features);
}

}  // namespace
}  // namespace flowmark
