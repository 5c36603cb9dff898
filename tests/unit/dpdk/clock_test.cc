// The clocks of the packet path, on counters of made-up frequencies that do as they like.
#include <gtest/gtest.h>

#include <chrono>

#include "dpdk/live_clock.h"
#include "dpdk/stall_watch.h"
#include "unit/dpdk/start_dpdk.h"

namespace flowmark {
namespace {

constexpr uint64_t kFrequency = 25'000'000;
constexpr uint64_t kStart = 1'000'000'000;
constexpr TimeUs kStartUs = 1'700'000'000'000'000;
constexpr uint64_t kDayS = 24 * 3600;

TEST(LiveClock, GoesByTheCounterAtAnyAge) {
  const LiveClock clock(kStart, kFrequency, kStartUs);
  // 2^32 us and 2^32 ms lie between these.
  for (const uint64_t age_s :
       std::initializer_list<uint64_t>{0, 1, 4294, 4295, 49 * kDayS, 50 * kDayS, 1000 * kDayS}) {
    EXPECT_EQ(clock.at(kStart + age_s * kFrequency),
              kStartUs + static_cast<TimeUs>(age_s) * kUsPerSecond)
        << age_s;
  }
}

TEST(LiveClock, NeverTellsATimeBeforeItsStart) {
  const LiveClock clock(kStart, kFrequency, kStartUs);
  EXPECT_EQ(clock.at(kStart - 1), kStartUs);
  EXPECT_EQ(clock.at(0), kStartUs);
}

TEST(StallWatch, TellsOfASecondWithoutAPollOnce) {
  StallWatch watch(kFrequency);
  EXPECT_FALSE(watch.stalled(kStart)) << "the first poll has none before it";
  EXPECT_FALSE(watch.stalled(kStart + kFrequency));
  EXPECT_TRUE(watch.stalled(kStart + 2 * kFrequency + 1));
  EXPECT_FALSE(watch.stalled(kStart + 2 * kFrequency + 2));
  EXPECT_TRUE(watch.stalled(kStart + kDayS * kFrequency)) << "a leap by a day";
}

TEST(StallWatch, ACounterThatRunsBackIsNoStall) {
  StallWatch watch(kFrequency);
  watch.stalled(kStart);
  EXPECT_FALSE(watch.stalled(kStart - 1));
  EXPECT_FALSE(watch.stalled(kStart - kFrequency * 30));
  EXPECT_FALSE(watch.stalled(kStart - kFrequency * 29));
}

// Bounds from readings of both clocks in turn, which hold however slow the machine is.
TEST(TicksPerSecond, IsTheFrequencyOfTheCounterThatWorkersRead) {
  using std::chrono::steady_clock;
  start_dpdk();
  const auto first = steady_clock::now();
  const uint64_t begin = read_cycles();
  const auto second = steady_clock::now();
  while (steady_clock::now() - second < std::chrono::milliseconds(50)) {
  }
  const auto third = steady_clock::now();
  const uint64_t end = read_cycles();
  const auto fourth = steady_clock::now();
  const auto cycles_ns = static_cast<double>(CycleScale(ticks_per_second()).to_ns(end - begin));
  const auto ns = [](steady_clock::duration time) {
    return static_cast<double>(std::chrono::nanoseconds(time).count());
  };
  EXPECT_GE(cycles_ns, ns(third - second) * 0.99);
  EXPECT_LE(cycles_ns, ns(fourth - first) * 1.01);
}

}  // namespace
}  // namespace flowmark
