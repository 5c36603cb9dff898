#include "daemon/flowmarkd/stream/live_flows.h"

#include <gtest/gtest.h>

#include "unit/flowmarkd/stream/made_flow_event.h"

namespace flowmark {
namespace {

using Kind = FlowEvent::Kind;
using News = LiveFlows::News;
using testing::made_flow_event;

class LiveFlowsTest : public ::testing::Test {
 protected:
  News take(FlowEvent event, int64_t now_ms = 0) {
    last_ = event;
    return flows_.take(last_, now_ms);
  }
  LiveFlows flows_{2};
  FlowEvent last_;  ///< as it was completed
};

TEST_F(LiveFlowsTest, OnlyAnotherClassOrMarkIsNews) {
  EXPECT_EQ(take(made_flow_event(1)), News::change);
  FlowEvent event = made_flow_event(1, Kind::refreshed);
  event.packets = {200, 190};
  EXPECT_EQ(take(event), News::none);
  EXPECT_EQ(flows_.at(0)->packets[0], 200U);
  event.mark = kNoMark;
  event.mark_to_lan = kNoMark;
  EXPECT_EQ(take(event), News::change) << "a lost change is made good by the next event";
  event.class_index = 1;
  EXPECT_EQ(take(event), News::change);
  event.generation = 3;
  EXPECT_EQ(take(event), News::change) << "of another model";
}

TEST_F(LiveFlowsTest, AFlowThatLosesClassAndMarkIsForgotten) {
  take(made_flow_event(1));
  FlowEvent event = made_flow_event(1);
  event.mark = kNoMark;
  event.mark_to_lan = kNoMark;
  event.class_index = kNoClass;
  EXPECT_EQ(take(event), News::change);
  EXPECT_EQ(flows_.at(0), nullptr);
  EXPECT_EQ(flows_.size(), 0U);
}

TEST_F(LiveFlowsTest, AFlowOfWhichNothingIsCountedBeginsWithItsFirstEvent) {
  FlowEvent event = made_flow_event(1);
  event.knows_numbers = false;
  event.start_us = event.last_us = 0;
  event.time_us = 1000;
  EXPECT_EQ(take(event), News::change);
  EXPECT_EQ(last_.start_us, 1000);
  event.kind = Kind::ended;
  event.time_us = 5000;
  EXPECT_EQ(take(event), News::end);
  EXPECT_EQ(last_.start_us, 1000);
}

TEST_F(LiveFlowsTest, WhatAnEndDoesNotKnowIsAsItWas) {
  take(made_flow_event(1));
  FlowEvent end = made_flow_event(1, Kind::ended);
  end.knows_numbers = end.knows_verdict = false;
  end.packets = {};
  end.class_index = kNoClass;
  EXPECT_EQ(take(end), News::end);
  EXPECT_EQ(last_.packets[0], 20U);
  EXPECT_EQ(last_.class_index, 0);
  EXPECT_EQ(last_.generation, 2U);
}

TEST_F(LiveFlowsTest, AFlowThatFindsNoRoomIsToldOfButNotKept) {
  take(made_flow_event(1));
  take(made_flow_event(2));
  EXPECT_EQ(take(made_flow_event(3)), News::change);
  EXPECT_EQ(flows_.not_kept(), 1U);
  EXPECT_EQ(flows_.size(), 2U);
  EXPECT_EQ(take(made_flow_event(3, Kind::refreshed)), News::none);
  EXPECT_EQ(take(made_flow_event(3, Kind::ended)), News::end);
  take(made_flow_event(1, Kind::ended));
  EXPECT_EQ(take(made_flow_event(3, Kind::refreshed)), News::change) << "there is room again";
  EXPECT_EQ(flows_.size(), 2U);
}

TEST_F(LiveFlowsTest, AFlowNobodyTellsOfAnyMoreHasEnded) {
  take(made_flow_event(1), 1000);
  take(made_flow_event(2), 5000);
  const auto silent = flows_.take_silent(2000);
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->key.a_port, be16_t(1));
  EXPECT_EQ(silent->kind, Kind::ended);
  EXPECT_EQ(silent->end, FlowEnd::lost);
  EXPECT_FALSE(flows_.take_silent(2000));
  EXPECT_EQ(flows_.size(), 1U);
}

TEST_F(LiveFlowsTest, TheEndOfTheDaemonEndsAll) {
  take(made_flow_event(1));
  take(made_flow_event(2));
  EXPECT_EQ(flows_.take_any()->end, FlowEnd::stopped);
  EXPECT_TRUE(flows_.take_any());
  EXPECT_FALSE(flows_.take_any());
}

}  // namespace
}  // namespace flowmark
