#include "window/offline_windows.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "feature/flowpic/sliding_picture.h"
#include "unit/window/flow_fixture.h"

namespace flowmark {
namespace {

using reference::Packets;
using reference::random_flow;
using reference::Shape;
using Side = OfflineWindow::Side;

std::vector<OfflineWindow> cut(const Packets& packets, const FeatureSpec& spec,
                               const TilingOptions& options = {}) {
  std::vector<OfflineWindow> windows;
  cut_windows({"flow", "", packets}, spec, options,
              [&](const OfflineWindow& window) { windows.push_back(window); });
  return windows;
}

/// All tiles of a flow's pictures, one by one.
std::vector<OfflineWindow> expected_pictures(const Packets& raw, const FeatureSpec& spec,
                                             TimeUs hop_us, uint32_t min_packets) {
  std::vector<OfflineWindow> windows;
  for (const Direction direction : {Direction::up, Direction::down}) {
    const Packets packets = reference::in_order(reference::of_direction(raw, direction));
    if (packets.empty()) continue;
    const TimeUs origin = packets[0].time_us;
    for (TimeUs k = 0; origin + k * hop_us <= packets.back().time_us; ++k) {
      const auto counts = reference::picture(packets, origin + k * hop_us, picture_of(spec));
      const uint32_t total = reference::total(counts);
      if (total < min_packets) continue;
      windows.push_back({direction == Direction::up ? Side::up : Side::down, origin + k * hop_us,
                         static_cast<uint32_t>(k), total,
                         reference::values(counts, spec.values(), total)});
    }
  }
  return windows;
}

void expect_equal(const std::vector<OfflineWindow>& found,
                  const std::vector<OfflineWindow>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE("window " + std::to_string(i));
    ASSERT_EQ(found[i].side, expected[i].side);
    ASSERT_EQ(found[i].start_us, expected[i].start_us);
    ASSERT_EQ(found[i].number, expected[i].number);
    ASSERT_EQ(found[i].packets, expected[i].packets);
    ASSERT_EQ(found[i].features, expected[i].features);
  }
}

TEST(CutWindows, PicturesTileEachDirection) {
  Shape shape;
  shape.odd_sizes = true;
  shape.back_chance = 0.05;
  const FeatureSpec specs[] = {picture_spec(15, 1500, 1500, 1500),
                               picture_spec(1.7, 32, 32, 1500, ValueKind::binary),
                               picture_spec(0.01, 3, 4096, 65535, ValueKind::log1p)};
  for (const FeatureSpec& spec : specs) {
    for (const TimeUs hop : {spec.window_us(), spec.window_us() / 3, spec.window_us() * 5 / 2}) {
      SCOPED_TRACE(spec.to_json() + " hop " + std::to_string(hop));
      const Packets packets = random_flow(21, shape);
      std::vector<OfflineWindow> expected = expected_pictures(packets, spec, hop, 0);
      for (const uint32_t min_packets : {0U, 1U, 40U}) {
        TilingOptions options;
        options.hop_us = hop == spec.window_us() ? 0 : hop;
        options.min_packets = min_packets;
        std::erase_if(expected,
                      [&](const OfflineWindow& window) { return window.packets < min_packets; });
        expect_equal(cut(packets, spec, options), expected);
      }
    }
  }
}

TEST(CutWindows, PicturesOfALongPause) {
  const Packets packets = {{0, 100, Direction::down, false},
                           {59'999'999, 1500, Direction::down, false},
                           {86'400'000'000 * 365, 7, Direction::down, false}};
  const auto windows = cut(packets, picture_spec(60, 1500, 1500, 1500));
  const SparseWindow first = {{99 * 1500, 1}, {1499 * 1500 + 1499, 1}};
  expect_equal(windows, {{Side::down, 0, 0, 2, first},
                         {Side::down, 86'400'000'000 * 365, 365 * 24 * 60, 1, {{6 * 1500, 1}}}});
  EXPECT_THROW(cut({{0, 1, Direction::up, false}, {86'400'000'000 * 3650, 1, Direction::up, false}},
                   picture_spec(0.01, 1, 1, 1)),
               Error);
}

TEST(CutWindows, PicturesTakeMorePixelsThanLive) {
  const FeatureSpec spec = picture_spec(60, 4096, 1500, 1500);
  Packets packets;
  for (int i = 0; i < 60'000; ++i) {
    packets.push_back({1000 + i * 900, uint16_t(i * 7919 % 1600), Direction::up, false});
  }
  const auto windows = cut(packets, spec);
  expect_equal(windows, expected_pictures(packets, spec, 60'000'000, 1));
  EXPECT_GT(windows[0].features.size(), 2 * SlidingPicture::kMaxPixels);
}

TEST(CutWindows, PacketWindowsFollowOneAnother) {
  Shape shape;
  shape.packets = 3500;
  shape.back_chance = 0.01;
  const Packets raw = random_flow(22, shape);
  const Packets packets = reference::in_order(raw);
  for (const HistogramKind kind :
       {HistogramKind::size_iat, HistogramKind::burst_surge, HistogramKind::combined}) {
    const FeatureSpec spec = histogram_spec(kind, 1024, 0, ValueKind::fraction);
    std::vector<OfflineWindow> expected;
    for (uint32_t k = 0; k < 3; ++k) {
      const auto counts = reference::histogram(packets, k * 1024, (k + 1) * 1024, spec);
      expected.push_back({Side::both, packets[k * 1024].time_us, k, 1024,
                          reference::values(counts, spec.values(), 1024)});
    }
    TilingOptions options;
    options.hop_us = 77;  // means nothing here
    expect_equal(cut(raw, spec, options), expected);
  }
}

TEST(CutWindows, TimeLimitedWindowsFollowOneAnother) {
  Shape shape;
  shape.mean_gap_us = 3000;
  const Packets packets = random_flow(23, shape);
  const FeatureSpec spec = histogram_spec(HistogramKind::combined, 200, 300'000);
  std::vector<OfflineWindow> expected;
  uint32_t by_count = 0;
  uint32_t by_time = 0;
  for (size_t begin = 0; begin < packets.size();) {
    size_t end = begin;
    while (end < packets.size() && end - begin < 200 &&
           packets[end].time_us < packets[begin].time_us + 300'000) {
      ++end;
    }
    ++(end - begin == 200 ? by_count : by_time);
    expected.push_back(
        {Side::both, packets[begin].time_us, static_cast<uint32_t>(expected.size()),
         static_cast<uint32_t>(end - begin),
         reference::values(reference::histogram(packets, begin, end, spec), spec.values(), 0)});
    begin = end;
  }
  EXPECT_GT(by_count, 3U);
  EXPECT_GT(by_time, 3U);
  expect_equal(cut(packets, spec), expected);
}

TEST(CutWindows, TimeLimitedWindowsWithAHop) {
  Shape shape;
  shape.mean_gap_us = 3000;
  const Packets packets = random_flow(24, shape);
  const FeatureSpec spec = histogram_spec(HistogramKind::combined, 150, 300'000);
  for (const TimeUs hop : {100'000, 300'000, 450'000}) {
    for (const uint32_t min_packets : {0U, 20U}) {
      std::vector<OfflineWindow> expected;
      for (uint32_t k = 0; packets[0].time_us + k * hop <= packets.back().time_us; ++k) {
        const TimeUs start = packets[0].time_us + k * hop;
        size_t begin = 0;
        while (packets[begin].time_us < start) ++begin;
        size_t end = begin;
        while (end < packets.size() && end - begin < 150 &&
               packets[end].time_us < start + 300'000) {
          ++end;
        }
        if (end - begin < min_packets) continue;
        expected.push_back(
            {Side::both, begin < end ? packets[begin].time_us : start, k,
             static_cast<uint32_t>(end - begin),
             reference::values(reference::histogram(packets, begin, end, spec), spec.values(), 0)});
      }
      TilingOptions options;
      options.hop_us = hop;
      options.min_packets = min_packets;
      expect_equal(cut(packets, spec, options), expected);
    }
  }
}

TEST(CutWindows, PrefixCutsOnlyTheBeginning) {
  const Packets packets = random_flow(25, {});
  const FeatureSpec picture = picture_spec(15, 1500, 1500, 1500);
  const FeatureSpec sizes = histogram_spec(HistogramKind::size_iat, 1024);
  TilingOptions options;
  options.prefix_packets = 10;
  auto windows = cut(packets, picture, options);
  ASSERT_EQ(windows.size(), 2U);
  Packets first = reference::of_direction(packets, Direction::down);
  first.resize(10);
  const auto ten = reference::picture(first, first[0].time_us, picture_of(picture));
  EXPECT_EQ(windows[1].features, reference::values(ten, ValueKind::count, 0));
  windows = cut(packets, sizes, options);
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].packets, 10U);

  options = {};
  options.prefix_us = 2'000'000;
  windows = cut(packets, sizes, options);
  ASSERT_EQ(windows.size(), 1U);
  const auto count = static_cast<size_t>(std::count_if(
      packets.begin(), packets.end(),
      [&](const FlowPacket& packet) { return packet.time_us < packets[0].time_us + 2'000'000; }));
  EXPECT_EQ(windows[0].packets, count);
  EXPECT_EQ(windows[0].features,
            reference::values(reference::histogram(packets, 0, count, sizes), sizes.values(), 0));
  windows = cut(packets, picture, options);
  ASSERT_EQ(windows.size(), 2U);
  for (const SparseValue& pixel : windows[0].features) EXPECT_LT(pixel.index % 1500, 200U);

  options.prefix_us = 3'600'000'000;
  options.prefix_packets = 5000;
  EXPECT_EQ(cut(packets, sizes, options)[0].packets, 1024U);
}

// What is trained on is what the daemon sees.
TEST(CutWindows, PacketWindowsEqualTheLiveOnes) {
  const Packets packets = random_flow(26, {});
  const FeatureSpec spec = histogram_spec(HistogramKind::combined, 512);
  const auto windows = cut(packets, spec);
  ASSERT_EQ(windows.size(), packets.size() / 512);
  Flow live({spec});
  for (size_t i = 0; i < packets.size(); ++i) {
    live.append(packets[i]);
    if (i % 512 != 511) continue;
    ASSERT_EQ(live.features(0), windows[i / 512].features);
  }
}

TEST(CutWindows, FirstPictureEqualsTheLiveOne) {
  const Packets packets = random_flow(27, {});
  const FeatureSpec spec = picture_spec(15, 1500, 1500, 1500);
  const auto windows = cut(packets, spec);
  Flow live({spec});
  for (const FlowPacket& packet : packets) {
    if (packet.time_us - packets[0].time_us >= 15'000'000) break;
    live.append(packet);
  }
  const SparseWindow up = live.features(0, Direction::up);
  ASSERT_EQ(packets[0].direction, windows[0].side == Side::up ? Direction::up : Direction::down);
  EXPECT_EQ(up, windows[0].features);
}

TEST(CutWindows, GapsOfDaysAreTheLongestBin) {
  const Packets packets = {{0, 100, Direction::up, false},
                           {86'400'000'000, 100, Direction::up, false},
                           {86'400'000'001, 100, Direction::down, false}};
  const FeatureSpec spec = histogram_spec(HistogramKind::combined, 3);
  const auto windows = cut(packets, spec);
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].features,
            reference::values(reference::histogram(packets, 0, 3, spec), spec.values(), 0));
  const FeatureSpec hourly = histogram_spec(HistogramKind::combined, 3, 3'600'000'000);
  EXPECT_EQ(cut(packets, hourly).size(), 2U);
}

TEST(CutWindows, EmptyFlowsHaveNone) {
  EXPECT_TRUE(cut({}, picture_spec(60, 1500, 1500, 1500)).empty());
  EXPECT_TRUE(cut({}, histogram_spec(HistogramKind::combined, 16)).empty());
}

TEST(CutWindows, RefusesWhatIsNotValid) {
  EXPECT_THROW(cut({}, picture_spec(0, 1500, 1500, 1500)), Error);
  TilingOptions options;
  options.hop_us = -1;
  EXPECT_THROW(cut({}, picture_spec(60, 1500, 1500, 1500), options), Error);
}

TEST(CutWindows, SidesHaveNames) {
  EXPECT_STREQ(to_string(Side::up), "up");
  EXPECT_STREQ(to_string(Side::down), "down");
  EXPECT_STREQ(to_string(Side::both), "both");
}

}  // namespace
}  // namespace flowmark
