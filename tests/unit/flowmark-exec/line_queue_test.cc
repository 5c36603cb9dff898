#include "daemon/flowmark-exec/line_queue.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "unit/actuator/lines.h"

namespace flowmark {
namespace {

class LineQueueTest : public testing::Test {
 protected:
  std::string mark(unsigned port, std::optional<unsigned> dscp) {
    const std::string text = mark_line("10.9.0.1", port, "10.9.0.2", dscp);
    queue_.take(parse_stream_line(text), text);
    return text + "\n";
  }
  std::string end(unsigned port) {
    const std::string text = end_line("10.9.0.1", port, "10.9.0.2");
    queue_.take(parse_stream_line(text), text);
    return text + "\n";
  }

  ActuatorCounters counters_;
  LineQueue queue_{3, counters_};
};

TEST_F(LineQueueTest, GivesLinesInTheirOrder) {
  const std::string one = mark(1, 46), two = mark(2, 46);
  EXPECT_EQ(queue_.pop(1), one);
  EXPECT_EQ(queue_.pop(5), two);
  EXPECT_EQ(queue_.pop(1), "");
}

TEST_F(LineQueueTest, ANewerLineTakesTheOldersPlace) {
  mark(1, 46);
  const std::string two = mark(2, 46);
  const std::string newest = mark(1, 34);
  EXPECT_EQ(queue_.pop(2), newest + two);
  EXPECT_EQ(counters_.replaced, 1U);
}

TEST_F(LineQueueTest, WhatDidNotChangeIsNoNews) {
  mark(1, 46);
  queue_.pop(1);
  mark(1, 46);
  end(7);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(LineQueueTest, ASnapshotGivesWhatChangedMeanwhile) {
  mark(1, 46);
  mark(2, 46);
  mark(3, 46);
  queue_.pop(3);
  queue_.begin_snapshot();
  mark(1, 46);
  const std::string changed = mark(2, 34);
  queue_.end_snapshot();
  const std::string text = queue_.pop(5);
  ASSERT_TRUE(text.starts_with(changed)) << text;
  const auto gone = nlohmann::json::parse(text.substr(changed.size()));
  EXPECT_EQ(gone["type"], "end");
  EXPECT_EQ(gone["reason"], "gone");
  EXPECT_EQ(parse_stream_line(gone.dump()).flow.source_port, 3);
  EXPECT_EQ(counters_.flows, 2U);
}

TEST_F(LineQueueTest, FlowsBeyondTheLimitAreLeftOutAndCounted) {
  for (unsigned port = 1; port <= 5; ++port) mark(port, 46);
  EXPECT_EQ(counters_.left_out, 2U);
  EXPECT_EQ(counters_.flows, 3U);
  end(5);
  end(1);
  mark(5, 46);
  EXPECT_EQ(counters_.left_out, 2U);
}

TEST(GoneLine, IsALineOfTheStream) {
  FlowTuple flow = parse_stream_line(mark_line("2001:db8::1", 1, "2001:db8::2", 46)).flow;
  EXPECT_EQ(parse_stream_line(gone_line(flow)).flow, flow);
  flow.vlan = 12;
  EXPECT_EQ(parse_stream_line(gone_line(flow)).flow, flow);
}

}  // namespace
}  // namespace flowmark
