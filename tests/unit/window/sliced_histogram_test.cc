// Histograms by seconds against those of the same packets computed anew.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "unit/window/flow_fixture.h"

namespace flowmark {
namespace {

using reference::Packets;
using reference::random_flow;
using reference::Shape;

FeatureSpec sliced(HistogramKind kind, TimeUs window_us, uint32_t slices,
                   ValueKind values = ValueKind::count) {
  return histogram({.kind = kind, .window_us = window_us, .slices = slices}, values);
}

/// The first packet of the slices that the window of packets [0, end) covers.
size_t covered_from(const Packets& packets, size_t end, const HistogramSpec& spec) {
  const TimeUs slice_us = spec.window_us / spec.slices;
  const TimeUs origin = packets[0].time_us;
  const TimeUs newest = (packets[end - 1].time_us - origin) / slice_us;
  const TimeUs from_us = origin + (newest - spec.slices + 1) * slice_us;
  size_t begin = 0;
  while (packets[begin].time_us < from_us) ++begin;
  return begin;
}

void expect_as_counted_anew(const Packets& raw, const FeatureSpec& spec) {
  const Packets packets = reference::in_order(raw);
  Flow flow({spec});
  for (size_t i = 0; i < raw.size(); ++i) {
    ASSERT_EQ(flow.append(raw[i]), AppendResult::ok);
    if (i >= 20 && i % 97 != 0) continue;
    const size_t begin = covered_from(packets, i + 1, histogram_of(spec));
    const auto in_window = static_cast<uint32_t>(i + 1 - begin);
    ASSERT_EQ(flow.packets(0), in_window) << i;
    ASSERT_EQ(flow.features(0), reference::values(reference::histogram(packets, begin, i + 1, spec),
                                                  spec.values(), in_window))
        << i;
  }
}

TEST(SlicedHistogram, CountsTheSlicesThatTheWindowCovers) {
  Shape dense;
  dense.mean_gap_us = 300;
  Shape odd;
  odd.odd_sizes = true;
  odd.back_chance = 0.2;
  for (const Shape& shape : {Shape{}, dense, odd}) {
    for (const FeatureSpec& spec :
         {sliced(HistogramKind::combined, 10 * kUsPerSecond, 8),
          sliced(HistogramKind::size_iat, 3 * kUsPerSecond, 3, ValueKind::fraction),
          sliced(HistogramKind::burst_surge, 60 * kUsPerSecond, 16, ValueKind::log1p)}) {
      SCOPED_TRACE(spec.to_json());
      ASSERT_NO_FATAL_FAILURE(expect_as_counted_anew(random_flow(31, shape), spec));
    }
  }
}

TEST(SlicedHistogram, IsNotCutAtTheRing) {
  Flow flow({sliced(HistogramKind::size_iat, 10 * kUsPerSecond, 2)});
  for (int i = 0; i < 5000; ++i) flow.append({i * 1000, 100, Direction::up, false});
  EXPECT_EQ(flow.packets(0), 5000U);
}

// All in one slice: at 65,535 packets the counts are halved, which leaves the shares as they were.
TEST(SlicedHistogram, AFullSliceKeepsItsShares) {
  Flow flow({sliced(HistogramKind::size_iat, 10 * kUsPerSecond, 2, ValueKind::fraction)});
  for (int i = 0; i < 65'535; ++i) {
    flow.append({0, static_cast<uint16_t>(i % 3 == 0 ? 100 : 1500), Direction::up, false});
  }
  EXPECT_EQ(flow.packets(0), 65'535U);
  for (int i = 0; i < 30'000; ++i) {
    flow.append({0, static_cast<uint16_t>(i % 3 == 0 ? 100 : 1500), Direction::up, false});
  }
  EXPECT_EQ(flow.packets(0), 65'535U / 2 + 30'000U);
  const SparseWindow window = flow.features(0);
  ASSERT_EQ(window.size(), 2U);
  EXPECT_NEAR(window[0].value, 1.0F / 3, 1e-4F);
  EXPECT_NEAR(window[1].value, 2.0F / 3, 1e-4F);
}

TEST(SlicedHistogram, WithoutMemoryPacketsAreMissing) {
  Flow flow({sliced(HistogramKind::combined, 10 * kUsPerSecond, 16)}, 2 * BlockPool::kMaxBlock);
  std::vector<void*> taken;
  while (void* block = flow.pool().allocate(BlockPool::kMinBlock)) taken.push_back(block);
  EXPECT_EQ(flow.append({7, 100, Direction::up, false}), AppendResult::out_of_memory);
  EXPECT_EQ(flow.packets(0), 0U);
  EXPECT_TRUE(flow.features(0).empty());
  for (void* block : taken) flow.pool().release(block, BlockPool::kMinBlock);
  EXPECT_EQ(flow.append({8, 100, Direction::up, false}), AppendResult::ok);
  EXPECT_EQ(flow.packets(0), 1U);
}

TEST(SlicedHistogram, ItsKeysAreCheckedAndComeBack) {
  const auto spec = [](const char* keys) {
    return FeatureSpec::from_json(std::string(R"({"kind":"size_iat",)") + keys + "}", "here");
  };
  const FeatureSpec read = spec(R"("window_s":10,"slices":4)");
  EXPECT_EQ(FeatureSpec::from_json(read.to_json(), "here"), read);
  EXPECT_TRUE(read.is_by_time());
  EXPECT_EQ(read.to_json().find("window_packets"), std::string::npos);
  for (const char* wrong :
       {R"("slices":4)", R"("window_s":10,"slices":1)", R"("window_s":10,"slices":17)",
        R"("window_s":10,"slices":4,"window_packets":64)",
        R"("window_s":10,"slices":16,"size":{"bins":64},"iat_us":{"bins":64})"}) {
    EXPECT_THROW(spec(wrong), Error) << wrong;
  }
}

}  // namespace
}  // namespace flowmark
