#include "bench/qoe/relay/line.h"

#include <gtest/gtest.h>

namespace flowmark::qoe {
namespace {

constexpr double kKbit = 8000;  // a frame of 1000 bytes takes a millisecond
constexpr int64_t kFrameNs = 1'000'000;

Frame marked(uint8_t dscp) {
  Frame frame(1000, 0);
  frame[12] = 0x08;
  frame[14] = 0x45;
  frame[15] = static_cast<uint8_t>(dscp << 2);
  return frame;
}

TEST(Line, SendsAtItsRate) {
  Line line(kKbit, 100, Line::Scheduler::fifo);
  for (int i = 0; i < 10; ++i) line.push(marked(0), 0);
  for (int64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(line.next_ns(), i * kFrameNs);
    EXPECT_FALSE(line.pop(i * kFrameNs - 1));
    EXPECT_TRUE(line.pop(i * kFrameNs));
  }
  EXPECT_FALSE(line.next_ns());
}

TEST(Line, SilenceIsNotSavedUp) {
  Line line(kKbit, 100, Line::Scheduler::fifo);
  const int64_t late = 1'000'000'000;
  line.push(marked(0), late);
  line.push(marked(0), late);
  EXPECT_TRUE(line.pop(late));
  EXPECT_FALSE(line.pop(late));
  EXPECT_TRUE(line.pop(late + kFrameNs));
}

TEST(Line, ABusyProcessorDoesNotLowerTheRate) {
  Line line(kKbit, 100, Line::Scheduler::fifo);
  for (int i = 0; i < 50; ++i) line.push(marked(0), 0);
  int sent = 0;
  for (int64_t now = 3 * kFrameNs; now <= 30 * kFrameNs; now += 3 * kFrameNs)
    while (line.pop(now)) ++sent;
  EXPECT_EQ(sent, 31);
  EXPECT_EQ(line.latest_ns(), 3 * kFrameNs);
}

TEST(Line, AFifoHasOneQueueForAllMarks) {
  Line line(kKbit, 100, Line::Scheduler::fifo);
  line.push(marked(1), 0);
  line.push(marked(46), 0);
  EXPECT_EQ((*line.pop(0))[15], 1 << 2);
  EXPECT_EQ((*line.pop(kFrameNs))[15], 46 << 2);
}

TEST(Line, TiersGoByTheMark) {
  Line line(kKbit, 100, Line::Scheduler::tiers);
  line.push(marked(1), 0);
  line.push(marked(46), 0);
  EXPECT_EQ((*line.pop(0))[15], 46 << 2);
}

TEST(Line, AQueueHoldsItsFrames) {
  Line line(kKbit, 5, Line::Scheduler::fifo);
  for (int i = 0; i < 9; ++i) line.push(marked(0), 0);
  EXPECT_EQ(line.scheduler().counters(Tier::standard).dropped, 4U);
}

}  // namespace
}  // namespace flowmark::qoe
