#include "data/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "feature/flowpic/flowpic.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Augmentation kAll[] = {Augmentation::change_rtt, Augmentation::time_shift,
                                 Augmentation::packet_loss, Augmentation::impairment,
                                 Augmentation::other_network};
constexpr TimeUs kStart = 1'600'000'000'000'000;

/// Up at 0, 1 and 3 s, down at 0.5 and 2 s; sizes 101 and up.
RecordedFlow flow() {
  RecordedFlow out;
  out.name = "7";
  out.label = "video";
  uint16_t size = 101;
  for (const auto& [ms, direction] : {std::pair{0, Direction::up},
                                      {500, Direction::down},
                                      {1000, Direction::up},
                                      {2000, Direction::down},
                                      {3000, Direction::up}}) {
    out.packets.push_back({kStart + ms * kUsPerMs, size++, direction, false});
  }
  return out;
}

std::vector<std::pair<int, int>> ms_and_sizes(const RecordedFlow& from) {
  std::vector<std::pair<int, int>> out;
  for (const FlowPacket& packet : from.packets) {
    out.emplace_back(static_cast<int>((packet.time_us - kStart) / kUsPerMs), packet.size);
  }
  return out;
}

using Packets = std::vector<std::pair<int, int>>;

TEST(Augment, ChangeRttStretchesTimes) {
  EXPECT_EQ(ms_and_sizes(change_rtt(flow(), 1.5)),
            (Packets{{0, 101}, {750, 102}, {1500, 103}, {3000, 104}, {4500, 105}}));
  EXPECT_EQ(change_rtt(flow(), 1.5).label, "video");
  EXPECT_EQ(change_rtt(flow(), 1.5).name, "7");
}

TEST(Augment, ChangeRttRefusesAFactorThatIsNoFactor) {
  EXPECT_THROW(change_rtt(flow(), 0), Error);
  EXPECT_THROW(change_rtt(flow(), std::nan("")), Error);
}

TEST(Augment, LaterPacketsKeepTheBeginningOfEachDirection) {
  EXPECT_EQ(
      ms_and_sizes(shift_time(flow(), 600 * kUsPerMs)),
      (Packets{{0, 0}, {500, 0}, {600, 101}, {1100, 102}, {1600, 103}, {2600, 104}, {3600, 105}}));
}

TEST(Augment, EarlierPacketsFallOffTheBeginning) {
  EXPECT_EQ(ms_and_sizes(shift_time(flow(), -1000 * kUsPerMs)),
            (Packets{{0, 0}, {0, 103}, {500, 0}, {1000, 104}, {2000, 105}}));
}

TEST(Augment, ShiftedPicturesMoveByColumns) {
  const FeatureSpec spec = flowpic({10 * kUsPerSecond, 10, 15, 1500});
  const auto columns = [&](const RecordedFlow& from) {
    std::vector<uint32_t> out;
    cut_windows(from, spec, {}, [&](const OfflineWindow& window) {
      for (const SparseValue& pixel : window.features) {
        out.push_back(pixel.index % 10);
      }
    });
    return out;
  };
  EXPECT_THAT(columns(flow()), ElementsAre(0, 1, 3, 0, 1));
  EXPECT_THAT(columns(shift_time(flow(), kUsPerSecond)), ElementsAre(1, 2, 4, 1, 2));
}

TEST(Augment, LosesPacketsOfAStretch) {
  EXPECT_EQ(ms_and_sizes(lose_packets(flow(), 1000 * kUsPerMs, 2000 * kUsPerMs)),
            (Packets{{0, 101}, {500, 102}, {3000, 105}}));
  EXPECT_EQ(ms_and_sizes(lose_packets(flow(), 0, 500 * kUsPerMs)),
            (Packets{{0, 0}, {500, 0}, {1000, 103}, {2000, 104}, {3000, 105}}));
}

TEST(Augment, RandomAmountsAreInThePapersRanges) {
  double least = 9;
  double most = 0;
  size_t lost = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const KeyedRandom random(seed);
    const RecordedFlow stretched = augment(flow(), Augmentation::change_rtt, 0, random);
    const double factor =
        static_cast<double>(stretched.packets.back().time_us - kStart) / (3 * kUsPerSecond);
    least = std::min(least, factor);
    most = std::max(most, factor);
    const RecordedFlow shifted = augment(flow(), Augmentation::time_shift, 0, random);
    EXPECT_NEAR(static_cast<double>(shifted.packets.back().time_us - kStart), 3e6, 1e6);
    // Packets at 0.5, 1 and 2 s: a loss in the first second never meets the last.
    const RecordedFlow thinned = augment(flow(), Augmentation::packet_loss, kUsPerSecond, random);
    EXPECT_EQ(thinned.packets.back().size, 105);
    lost += ms_and_sizes(thinned) != ms_and_sizes(flow()) ? 1 : 0;
  }
  EXPECT_NEAR(least, 0.5, 0.02);
  EXPECT_NEAR(most, 1.5, 0.02);
  EXPECT_GT(lost, 60U);  // 0.4 of the moments meet a packet
  EXPECT_LT(lost, 180U);
}

TEST(Augment, TheSameKeyGivesTheSameFlow) {
  for (const Augmentation kind : kAll) {
    EXPECT_EQ(ms_and_sizes(augment(flow(), kind, 0, KeyedRandom(5))),
              ms_and_sizes(augment(flow(), kind, 0, KeyedRandom(5))));
  }
  EXPECT_NE(ms_and_sizes(augment(flow(), Augmentation::change_rtt, 0, KeyedRandom(5))),
            ms_and_sizes(augment(flow(), Augmentation::change_rtt, 0, KeyedRandom(6))));
}

TEST(Augment, AnEmptyFlowStaysEmpty) {
  for (const Augmentation kind : kAll) {
    EXPECT_TRUE(augment({}, kind, 0, KeyedRandom(1)).packets.empty());
  }
  EXPECT_TRUE(change_rtt({}, 2).packets.empty());
  EXPECT_TRUE(shift_time({}, 2).packets.empty());
  EXPECT_TRUE(lose_packets({}, 0, 2).packets.empty());
}

TEST(Augment, NamesAreRead) {
  for (const Augmentation kind : kAll) {
    EXPECT_EQ(parse_augmentation(to_string(kind), "x"), kind);
  }
  try {
    parse_augmentation("rotate", "--augment");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--augment: no augmentation 'rotate'"));
    EXPECT_THAT(error.what(), HasSubstr("change-rtt, time-shift, packet-loss, impairment"));
  }
}

}  // namespace
}  // namespace flowmark
