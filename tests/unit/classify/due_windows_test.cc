#include "classify/due_windows.h"

#include <gtest/gtest.h>

#include "unit/classify/worker_flows.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;
using testing::WorkerFlows;

class DueWindowsTest : public ::testing::Test {
 protected:
  DueWindowsTest() { flows_.feed(due_); }

  void use(std::vector<ActiveModel> models) {
    flows_.use(std::move(models));
    due_.use_models();
  }
  /// Takes all windows that are due; how many.
  int take_all() {
    int taken = 0;
    while (!due_.empty()) taken += due_.take(item_) ? 1 : 0;
    return taken;
  }
  /// The numbers of the flow's packets that make a window due, of its next `count`.
  std::vector<int> due_at(int count, TimeUs step_us = 10'000, Direction direction = Direction::up) {
    std::vector<int> numbers;
    for (int i = 1; i <= count; ++i) {
      flows_.packet(1, step_us, direction);
      if (take_all() > 0) numbers.push_back(i);
    }
    return numbers;
  }
  ModelState& model_state(FlowId id, size_t slot) {
    return flows_.states.layout().model(*flows_.states.find(id), slot);
  }

  WorkerFlows flows_;
  DueWindows due_{8, flows_.table, flows_.states, *flows_.counters};
  DueItem item_;
};

TEST_F(DueWindowsTest, NumbersOfPacketsDoubleUpToTheHop) {
  use({active(size_model(histogram_spec()))});
  EXPECT_EQ(due_at(70), (std::vector{4, 8, 16, 32, 48, 64}));
}

TEST_F(DueWindowsTest, TheFirstNeedsBothPacketsAndTimeLaterOnesEither) {
  ActiveModel model = active(size_model(histogram_spec()));
  model.policy.min_us = kUsPerSecond;
  model.policy.hop_packets = 1u << 20;
  model.policy.hop_us = 10 * kUsPerSecond;
  use({model});
  // 1.0 s of age at the 11th packet; then numbers double before ten seconds are over.
  EXPECT_EQ(due_at(160, 100'000), (std::vector{11, 22, 44, 88}));
  EXPECT_EQ(due_at(40, kUsPerSecond), (std::vector{3, 13, 23, 33}));
}

TEST_F(DueWindowsTest, EachDirectionOfAPictureIsDueByItsOwnPackets) {
  use({active(size_model(picture_spec()))});
  EXPECT_EQ(due_at(3, 10'000, Direction::up), std::vector<int>{});
  EXPECT_EQ(due_at(7, 10'000, Direction::down), std::vector{4});
  EXPECT_EQ(item_.direction, static_cast<uint8_t>(Direction::down));
  EXPECT_EQ(due_at(1, 10'000, Direction::up), std::vector{1});
  EXPECT_EQ(item_.direction, static_cast<uint8_t>(Direction::up));
}

TEST_F(DueWindowsTest, AWindowWaitsOnceHoweverManyPacketsCome) {
  use({active(size_model(histogram_spec()))});
  flows_.packets(1, 100);
  EXPECT_EQ(due_.size(), 1U);
  EXPECT_EQ(take_all(), 1);
  EXPECT_EQ(item_.flow, flows_.packet(1)) << "and is due at once";
  EXPECT_EQ(take_all(), 1);
}

TEST_F(DueWindowsTest, AFlowThatIsGoneIsNotTaken) {
  use({active(size_model(histogram_spec()))});
  flows_.table.erase(flows_.packets(1, 4));
  flows_.packets(1, 2);  // the same entry, another flow
  EXPECT_EQ(due_.size(), 1U);
  EXPECT_FALSE(due_.take(item_));
  EXPECT_TRUE(due_.empty());
}

TEST_F(DueWindowsTest, OtherModelsEmptyTheQueue) {
  use({active(size_model(histogram_spec()))});
  flows_.packets(1, 4);
  use({active(size_model(histogram_spec()))});
  EXPECT_TRUE(due_.empty());
  EXPECT_EQ(due_at(2), std::vector{1}) << "the flow is adopted and asked anew";
}

TEST_F(DueWindowsTest, AModelWaitsForItsCondition) {
  ActiveModel second = active(size_model(histogram_spec()));
  second.condition = VerdictCondition{.class_mask = 0b01};
  use({active(size_model(histogram_spec())), second});
  const FlowId id = flows_.packets(1, 4);
  EXPECT_EQ(take_all(), 1);
  model_state(id, 0).verdict = {.windows = 1, .class_index = 0};
  flows_.packet(1);
  EXPECT_EQ(take_all(), 1);
  EXPECT_EQ(item_.model, 1);
}

TEST_F(DueWindowsTest, AWindowIsNotTakenOnceItsConditionNoLongerHolds) {
  ActiveModel second = active(size_model(histogram_spec()));
  second.condition = VerdictCondition{.class_mask = 0b01};
  use({active(size_model(histogram_spec())), second});
  const FlowId id = flows_.packets(1, 4);
  EXPECT_EQ(take_all(), 1);
  model_state(id, 0).verdict = {.windows = 1, .class_index = 0};
  flows_.packet(1);
  EXPECT_EQ(due_.size(), 1U);
  model_state(id, 0).verdict.class_index = 1;
  EXPECT_FALSE(due_.take(item_));
  EXPECT_FALSE(model_state(id, 1).queued[0]) << "it may be due again";
}

TEST_F(DueWindowsTest, ALargerModelIsLeftOutFirstWhereTheSmallOneHasAVerdict) {
  ActiveModel second = active(size_model(histogram_spec()));
  second.condition = VerdictCondition{.below = 0.95F};
  use({active(size_model(histogram_spec())), second});
  const FlowId unsure = flows_.packets(1, 4);
  EXPECT_EQ(take_all(), 1);
  model_state(unsure, 0).verdict = {.windows = 1, .class_index = 0};
  while (due_.step() < LadderStep::no_refinement) {
    flows_.packets(static_cast<uint16_t>(100 + due_.size()), 4);
  }
  const size_t waiting = due_.size();
  flows_.packet(1);
  EXPECT_EQ(due_.size(), waiting);
  EXPECT_EQ(flows_.counters->left_out[static_cast<size_t>(LadderStep::no_refinement)].get(), 1U);
}

// 2^32 packets are 12 hours of 100,000 packets a second in one tunnel.
TEST_F(DueWindowsTest, WhereNumbersOfPacketsStopTimeGoesOn) {
  ActiveModel model = active(size_model(histogram_spec()));
  model.policy.hop_us = 10 * kUsPerSecond;
  use({model});
  const FlowId id = flows_.packets(1, 4);
  take_all();
  flows_.states.find(id)->packets[0] = FlowState::kMostPackets - 100;
  due_at(300);
  EXPECT_EQ(flows_.states.find(id)->total_packets(), FlowState::kMostPackets);
  EXPECT_EQ(due_at(3000).size(), 3U) << "in 30 seconds";
}

TEST_F(DueWindowsTest, AFullQueueLeavesWindowsOutAndCountsThem) {
  use({active(size_model(histogram_spec()))});
  for (uint16_t flow = 1; flow <= 20; ++flow) flows_.packets(flow, 4);
  EXPECT_EQ(due_.size(), 8U);
  EXPECT_EQ(due_.step(), LadderStep::keep_marks);
  EXPECT_EQ(flows_.counters->left_out[static_cast<size_t>(LadderStep::keep_marks)].get(), 12U);
  EXPECT_EQ(take_all(), 8);
  EXPECT_EQ(due_.step(), LadderStep::all);
}

TEST_F(DueWindowsTest, OfOneTaskTheModelThatCostsLessIsLeftWhenTheQueueFills) {
  use({active(size_model(histogram_spec()), "one"), active(size_model(picture_spec()), "other")});
  due_.learn_cost(0, 2000);
  due_.learn_cost(1, 1000);
  for (uint16_t flow = 1; flow <= 3; ++flow) flows_.packets(flow, 4);
  ASSERT_EQ(due_.step(), LadderStep::cheapest);
  flows_.packets(4, 4);
  EXPECT_EQ(due_.size(), 7U);
  EXPECT_EQ(flows_.counters->left_out[static_cast<size_t>(LadderStep::cheapest)].get(), 1U);
}

}  // namespace
}  // namespace flowmark
