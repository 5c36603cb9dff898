// Examples at the daemon's moments take the place of full windows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "data/load_examples.h"
#include "feature/histogram/histogram.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

/// Packets and prefix of each example of a flow of 200 packets.
std::vector<std::pair<uint32_t, uint16_t>> examples_of(const CutOptions& options) {
  RecordedFlow flow;
  for (TimeUs i = 0; i < 200; ++i) flow.packets.push_back({i * 1000, 100, Direction::up, false});
  const FeatureSpec spec = histogram({.kind = HistogramKind::size_iat, .window_packets = 64});
  std::vector<std::pair<uint32_t, uint16_t>> examples;
  cut_examples(flow, spec, options, [&](const ExampleInfo& info, const OfflineWindow& window) {
    EXPECT_EQ(info.packets, window.packets);
    EXPECT_FALSE(info.repeat);
    examples.emplace_back(info.packets, info.prefix);
  });
  return examples;
}

constexpr uint16_t kFull = ExampleInfo::kTile;

TEST(ServedExamples, TakeThePlaceOfFullWindows) {
  CutOptions options;
  EXPECT_THAT(examples_of(options), ElementsAre(Pair(64, kFull), Pair(64, kFull), Pair(64, kFull)));
  options.served.emplace();
  EXPECT_THAT(examples_of(options),
              ElementsAre(Pair(16, kFull), Pair(32, kFull), Pair(64, kFull), Pair(64, kFull)));
}

TEST(ServedExamples, PrefixesStay) {
  CutOptions options;
  options.prefixes = {{10, 0}};
  options.served.emplace().policy.hop_packets = 1000;
  options.served->policy.min_packets = 50;
  EXPECT_THAT(examples_of(options),
              ElementsAre(Pair(10, 0), Pair(50, kFull), Pair(64, kFull), Pair(64, kFull)));
}

}  // namespace
}  // namespace flowmark
