#include "window/flow_windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "unit/window/flow_fixture.h"

namespace flowmark {
namespace {

using reference::Packets;
using reference::random_flow;
using reference::Shape;

/// Compares all windows with the reference when the first `count` packets have come.
void expect_as_specified(Flow& flow, const Packets& packets, size_t count) {
  const Packets seen(packets.begin(), packets.begin() + static_cast<long>(count));
  for (size_t s = 0; s < flow.plan().specs().size(); ++s) {
    const FeatureSpec& spec = flow.plan().specs()[s];
    SCOPED_TRACE(std::to_string(count) + " packets, " + spec.to_json());
    if (!spec.has_directions()) {
      const size_t begin = reference::window_begin(seen, count, histogram_of(spec));
      const auto packets_now = static_cast<uint32_t>(count - begin);
      ASSERT_EQ(flow.packets(s), packets_now);
      const auto expected = reference::histogram(seen, begin, count, spec);
      ASSERT_EQ(flow.features(s), reference::values(expected, spec.values(), packets_now));
      continue;
    }
    for (const Direction direction : {Direction::up, Direction::down}) {
      const auto expected =
          reference::sliding_picture(reference::of_direction(seen, direction), picture_of(spec));
      const uint32_t packets_now = reference::total(expected);
      ASSERT_EQ(flow.packets(s, direction), packets_now);
      ASSERT_EQ(flow.features(s, direction),
                reference::values(expected, spec.values(), packets_now));
    }
  }
}

void run_against_reference(const Packets& raw, size_t step) {
  const Packets packets = reference::in_order(raw);
  Flow flow(various_specs(), 4 << 20);
  for (size_t i = 0; i < raw.size(); ++i) {
    ASSERT_EQ(flow.append(raw[i]), AppendResult::ok);
    if (i >= 20 && i % step != 0) continue;
    ASSERT_NO_FATAL_FAILURE(expect_as_specified(flow, packets, i + 1));
  }
  expect_as_specified(flow, packets, raw.size());
}

TEST(FlowWindows, OrdinaryFlowsAreAsSpecified) {
  for (const uint64_t seed : {1, 2, 3}) run_against_reference(random_flow(seed, {}), 97);
}

TEST(FlowWindows, DenseFlowsAreAsSpecified) {
  Shape shape;
  shape.mean_gap_us = 300;
  shape.pause_chance = 0.0005;
  run_against_reference(random_flow(4, shape), 97);
}

TEST(FlowWindows, TimesThatRunBackStandStill) {
  Shape shape;
  shape.back_chance = 0.2;
  run_against_reference(random_flow(5, shape), 97);
}

TEST(FlowWindows, OddSizesAreAsSpecified) {
  Shape shape;
  shape.odd_sizes = true;
  run_against_reference(random_flow(6, shape), 97);
}

TEST(FlowWindows, OneDirectionOnlyAndAcknowledgementsOnly) {
  Shape shape;
  shape.only_up = true;
  run_against_reference(random_flow(7, shape), 197);
  shape.ack_chance = 1;
  run_against_reference(random_flow(8, shape), 197);
}

TEST(FlowWindows, AllAtTheSameTime) {
  Packets packets = random_flow(9, {});
  for (FlowPacket& packet : packets) packet.time_us = 5;
  run_against_reference(packets, 197);
}

// The clock of records wraps after 71 minutes; this flow lives for three weeks, with gaps of up to
// an hour and one direction silent for hours.
TEST(FlowWindows, FlowsOutliveTheRecordsClock) {
  Shape shape;
  shape.packets = 2000;
  shape.mean_gap_us = 400e6;
  shape.pause_chance = 0;
  Packets packets = random_flow(10, shape);
  for (size_t i = 1; i < packets.size(); ++i) {
    const TimeUs gap = packets[i].time_us - packets[i - 1].time_us;
    if (gap > 3'600'000'000) {
      for (size_t k = i; k < packets.size(); ++k) packets[k].time_us -= gap - 3'600'000'000;
    }
    if (i % 400 > 50) packets[i].direction = Direction::up;
  }
  ASSERT_GT(packets.back().time_us - packets[0].time_us, 3 * 7 * 86'400'000'000LL / 5);
  run_against_reference(packets, 53);
}

// With columns of 2.4 microseconds the 32-bit column numbers wrap after less than three hours.
TEST(FlowWindows, ColumnNumbersMayWrap) {
  Packets packets;
  TimeUs now = 123;
  for (int i = 0; i < 600; ++i) {
    now += i % 3 == 0 ? 60'000'000 : 1000;
    packets.push_back({now, uint16_t(40 + i), Direction::up, false});
  }
  ASSERT_GT((packets.back().time_us - packets[0].time_us) * 4096 / 10'000, 0x100000000LL);
  run_against_reference(packets, 1);
}

TEST(FlowWindows, ManyPacketsInOnePixelAreAllCounted) {
  Flow flow({picture_spec(60, 1500, 1500, 1500)});
  for (int i = 0; i < 200'000; ++i) {
    ASSERT_EQ(flow.append({7, 100, Direction::up, false}), AppendResult::ok);
    ASSERT_EQ(flow.append({7, 200, Direction::up, false}), AppendResult::ok);
  }
  EXPECT_EQ(flow.features(0), (SparseWindow{{99 * 1500, 200'000}, {199 * 1500, 200'000}}));
  EXPECT_EQ(flow.packets(0), 400'000U);
}

TEST(FlowWindows, SlidingPictureEqualsTheTileItCovers) {
  const FeatureSpec spec = picture_spec(6, 150, 1500, 1500);
  Shape shape;
  shape.only_up = true;
  shape.pause_chance = 0;
  const Packets packets = random_flow(11, shape);
  const TimeUs origin = packets[0].time_us;
  Flow flow({spec});
  int compared = 0;
  for (size_t i = 0; i < packets.size(); ++i) {
    flow.append(packets[i]);
    // Tiles are aligned with the columns: the last column of one is the packet's.
    const TimeUs column = (packets[i].time_us - origin) / 40'000;
    if (column % 150 != 149 || i + 1 == packets.size()) continue;
    if ((packets[i + 1].time_us - origin) / 40'000 == column) continue;
    const auto tile =
        reference::picture(packets, origin + (column - 149) * 40'000, picture_of(spec));
    ASSERT_EQ(flow.features(0), reference::values(tile, ValueKind::count, 0));
    ++compared;
  }
  EXPECT_GE(compared, 3);
}

TEST(FlowWindows, SlidingSizesEqualAFreshWindowOfTheLastPackets) {
  const FeatureSpec spec = histogram_spec(HistogramKind::size_iat, 256);
  const Packets packets = random_flow(12, {});
  Flow sliding({spec});
  for (const FlowPacket& packet : packets) sliding.append(packet);
  // One packet before the window, for the inter-arrival time of the window's first.
  Flow fresh({spec});
  for (size_t i = packets.size() - 257; i < packets.size(); ++i) fresh.append(packets[i]);
  const SparseWindow expected = sliding.features(0);
  EXPECT_EQ(fresh.features(0), expected);
}

TEST(FlowWindows, APacketAsOldAsTheWindowIsLongHasLeftIt) {
  Flow flow({histogram_spec(HistogramKind::size_iat, 1024, 500'000)});
  flow.append({1'000, 100, Direction::up, false});
  flow.append({500'999, 100, Direction::up, false});
  EXPECT_EQ(flow.packets(0), 2U);
  flow.append({501'000, 100, Direction::up, false});
  EXPECT_EQ(flow.packets(0), 2U);
  flow.append({3'600'000'000, 100, Direction::up, false});
  EXPECT_EQ(flow.packets(0), 1U);
}

TEST(FlowWindows, RecordsAreTheNewestInOrder) {
  Packets raw = random_flow(13, {});
  raw[100].time_us -= 50;
  const Packets packets = reference::in_order(raw);
  Flow flow({});
  for (size_t i = 0; i < packets.size(); ++i) {
    flow.append(raw[i]);
    const auto [older, newer] = (*flow).records();
    ASSERT_EQ(older.size() + newer.size(), std::min<size_t>(i + 1, FlowWindows::kRingCapacity));
    if (i % 50 != 0) continue;
    size_t at = i + 1 - older.size() - newer.size();
    for (const auto& part : {older, newer}) {
      for (const PacketRecord& record : part) {
        const PacketRecord expected = record_of(packets[at++]);
        ASSERT_EQ(record.time_us, expected.time_us);
        ASSERT_EQ(record.size, expected.size);
        ASSERT_EQ(record.direction, expected.direction);
        ASSERT_EQ(record.pure_ack, expected.pure_ack);
      }
    }
  }
}

TEST(WindowPlan, KeepsEachSpecOnce) {
  const FeatureSpec a = picture_spec(60, 1500, 1500, 1500);
  const FeatureSpec b = histogram_spec(HistogramKind::combined, 1024);
  const WindowPlan plan({a, b, a, b});
  ASSERT_EQ(plan.specs().size(), 2U);
  EXPECT_EQ(plan.index_of(a), 0U);
  EXPECT_EQ(plan.index_of(b), 1U);
  EXPECT_THROW(static_cast<void>(plan.index_of(fine_histogram_spec())), Error);
}

TEST(WindowPlan, RefusesWhatIsNotValid) {
  EXPECT_THROW(WindowPlan({picture_spec(60, 5000, 1500, 1500)}), Error);
  EXPECT_THROW(WindowPlan({histogram_spec(HistogramKind::combined, 0)}), Error);
}

}  // namespace
}  // namespace flowmark
