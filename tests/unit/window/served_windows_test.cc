// Windows of recorded flows at the daemon's moments. That they are the daemon's is tested beside
// the classifier (tests/unit/classify/served_windows_test.cc).
#include "window/served_windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;

FeatureSpec of_64_packets() {
  return histogram({.kind = HistogramKind::size_iat, .window_packets = 64});
}

RecordedFlow steady(size_t packets, TimeUs step_us = 10'000) {
  RecordedFlow flow;
  for (size_t i = 0; i < packets; ++i) {
    const auto direction = i % 4 == 0 ? Direction::down : Direction::up;
    flow.packets.push_back(
        {1'700'000'000'000'000 + static_cast<TimeUs>(i) * step_us, 200, direction, false});
  }
  return flow;
}

std::vector<OfflineWindow> served(const RecordedFlow& flow, const FeatureSpec& spec,
                                  const ServedOptions& options = {}) {
  std::vector<OfflineWindow> windows;
  cut_served_windows(flow, spec, options, [&](const OfflineWindow& w) { windows.push_back(w); });
  return windows;
}

std::vector<uint32_t> packets_of(const std::vector<OfflineWindow>& windows) {
  std::vector<uint32_t> packets;
  for (const OfflineWindow& window : windows) packets.push_back(window.packets);
  return packets;
}

TEST(ServedWindows, GrowAndThenSlide) {
  const auto windows = served(steady(300), of_64_packets(), {.policy = {.hop_packets = 64}});
  EXPECT_THAT(packets_of(windows), ElementsAre(16, 32, 64, 64, 64, 64));
  EXPECT_EQ(windows[0].start_us, 1'700'000'000'000'000);
  EXPECT_EQ(windows[0].span_us, 15 * 10'000);
  EXPECT_EQ(windows[3].span_us, 63 * 10'000);
  EXPECT_EQ(windows[3].start_us, 1'700'000'000'000'000 + 64 * 10'000);
  EXPECT_EQ(windows[5].number, 5U);
}

TEST(ServedWindows, KnowTheFlowsTransport) {
  const FeatureSpec spec =
      FeatureSpec::from_json(R"({"kind":"joint","parts":[{"kind":"transport"}]})", "test");
  RecordedFlow flow = steady(20);
  flow.attributes["transport"] = "tcp";
  EXPECT_EQ(served(flow, spec).at(0).features, (SparseWindow{{1, 1}}));
}

TEST(ServedWindows, PicturesAreOfEachDirectionAndEndAtTheNewestPacket) {
  const FeatureSpec spec = flowpic({kUsPerSecond, 32, 32, 1500});
  const auto windows = served(steady(400), spec, {.policy = {.min_packets = 8}});
  ASSERT_FALSE(windows.empty());
  bool has_up = false, has_down = false;
  for (const OfflineWindow& window : windows) {
    has_up |= window.side == OfflineWindow::Side::up;
    has_down |= window.side == OfflineWindow::Side::down;
    EXPECT_LT(window.span_us, kUsPerSecond);
  }
  EXPECT_TRUE(has_up && has_down);
}

TEST(ServedWindows, ASilenceBeginsAnotherFlow) {
  RecordedFlow flow = steady(20);
  const RecordedFlow again = steady(20);
  for (FlowPacket packet : again.packets) {
    packet.time_us += 121 * kUsPerSecond;
    flow.packets.push_back(packet);
  }
  EXPECT_THAT(packets_of(served(flow, of_64_packets())), ElementsAre(16, 16));
  EXPECT_THAT(packets_of(served(flow, of_64_packets(), {.timeouts = {.idle_ms = 200'000}})),
              ElementsAre(16, 21));
}

TEST(ServedWindows, ASinglePacketIsNotAsked) {
  EXPECT_TRUE(served(steady(1), of_64_packets(), {.policy = {.min_packets = 1}}).empty());
}

TEST(ServedWindows, OfALongFlowTheFirstOnesAndSomeOfTheOthers) {
  const RecordedFlow flow = steady(20'000);
  const ServedOptions all{.policy = {.hop_packets = 64}};
  ServedOptions some = all;
  some.most_windows = 12;
  const auto every = served(flow, of_64_packets(), all);
  const auto kept = served(flow, of_64_packets(), some);
  ASSERT_GT(every.size(), 300U);
  ASSERT_LE(kept.size(), 12U);
  ASSERT_GE(kept.size(), 9U);
  for (uint32_t i = 0; i < 6; ++i) EXPECT_EQ(kept[i].number, i);
  const uint32_t step = kept[7].number - kept[6].number;
  for (size_t i = 7; i < kept.size(); ++i) EXPECT_EQ(kept[i].number - kept[i - 1].number, step);
  EXPECT_GT(kept.back().number + step, every.size() - 1) << "up to the end";
  for (const OfflineWindow& window : kept) {
    EXPECT_EQ(window.features, every[window.number].features);
  }
}

TEST(WindowThinner, KeepsNoMoreThanItsRoom) {
  for (uint32_t room = 1; room <= 9; ++room) {
    WindowThinner thinner(room);
    for (uint32_t i = 0; i < 100; ++i) {
      OfflineWindow window;
      window.number = i;
      thinner.add(std::move(window));
      EXPECT_LE(thinner.kept().size(), room);
      EXPECT_EQ(thinner.kept().front().number, 0U);
    }
  }
}

}  // namespace
}  // namespace flowmark
