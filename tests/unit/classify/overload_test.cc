// What is left out when inference does not keep up.
#include <gtest/gtest.h>

#include <array>

#include "classify/classifier.h"
#include "classify/due_queue.h"
#include "classify/overload_ladder.h"
#include "support/fake_model.h"
#include "support/frames.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;
using testing::UdpFrame;

TEST(OverloadLadder, StepsDownWithTheQueueAndBackUpLater) {
  OverloadLadder ladder(8);
  std::vector<LadderStep> seen;
  for (const size_t waiting : {0, 3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1, 0}) {
    ladder.update(waiting);
    seen.push_back(ladder.step());
  }
  using enum LadderStep;
  EXPECT_EQ(seen, (std::vector{all, all, no_refinement, no_refinement, cheapest, cheapest,
                               keep_marks, keep_marks, keep_marks, cheapest, cheapest,
                               no_refinement, no_refinement, all, all}));
}

TEST(OverloadLadder, SaysWhenItStepsDownOnly) {
  OverloadLadder ladder(4);
  EXPECT_FALSE(ladder.update(1));
  EXPECT_TRUE(ladder.update(4));
  EXPECT_FALSE(ladder.update(4));
  EXPECT_FALSE(ladder.update(0));
  EXPECT_TRUE(ladder.update(2));
}

TEST(OverloadLadder, AnyCapacityIsServedAgainOnceEmpty) {
  for (size_t capacity = 1; capacity <= 100; ++capacity) {
    OverloadLadder ladder(capacity);
    ladder.update(capacity);
    EXPECT_EQ(ladder.step(), LadderStep::keep_marks) << capacity;
    ladder.update(0);
    EXPECT_EQ(ladder.step(), LadderStep::all) << capacity;
  }
}

TEST(DueQueue, OldestFirstAlsoAheadOfTime) {
  DueQueue queue(3);
  for (FlowId flow = 0; flow < 2; ++flow) EXPECT_TRUE(queue.push({.flow = flow}));
  DueItem item;
  EXPECT_TRUE(queue.pop(item));
  for (FlowId flow = 2; flow < 4; ++flow) EXPECT_TRUE(queue.push({.flow = flow}));
  EXPECT_FALSE(queue.push({.flow = 4}));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(queue.peek(i)->flow, i + 1);
  EXPECT_EQ(queue.peek(3), nullptr);
}

class OverloadTest : public ::testing::Test {
 protected:
  void use(std::vector<ActiveModel> models, uint32_t queue) {
    ClassifierOptions options;
    options.table.capacity = 1024;
    options.window_memory_bytes = 16u << 20;
    options.due_capacity = queue;
    models_ = std::make_unique<ModelSet>(1, std::move(models));
    classifier_ = std::make_unique<Classifier>(options, *counters_, nullptr);
    classifier_->use_models(models_.get());
  }

  /// One packet of each of the flows [first, first + flows); no inference. Whether all were marked.
  bool send(uint16_t first, uint16_t flows, bool back = false) {
    bool all = true;
    for (uint16_t i = 0; i < flows; ++i) {
      const UdpFrame there{.source_port = static_cast<uint16_t>(first + i)};
      auto frame = (back ? there.reversed() : there).bytes();
      now_us_ += 10;
      std::array<Packet, 1> packets{testing::packet_of(frame, now_us_)};
      std::array<bool, 1> marked{};
      classifier_->process(packets, marked);
      all &= marked[0];
    }
    return all;
  }
  void send_often(uint16_t first, uint16_t flows, int packets) {
    for (int i = 0; i < packets; ++i) send(first, flows);
  }
  /// `packets` of one flow, there and back in turn.
  void converse(uint16_t flow, int packets) {
    for (int i = 0; i < packets; ++i) send(flow, 1, i % 2 == 1);
  }
  void infer_all() { ASSERT_FALSE(classifier_->infer(UINT64_MAX)); }
  uint64_t left_out(LadderStep by) const {
    return counters_->left_out[static_cast<size_t>(by)].get();
  }
  uint64_t entered(LadderStep step) const {
    return counters_->ladder_entered[static_cast<size_t>(step)].get();
  }
  uint64_t inferences(size_t model) const { return counters_->models[model].inferences.get(); }

  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  std::unique_ptr<ModelSet> models_;
  std::unique_ptr<Classifier> classifier_;
  TimeUs now_us_ = 1'700'000'000'000'000;
};

TEST_F(OverloadTest, AFullQueueLeavesTheRestAndEveryWindowIsCounted) {
  use({active(size_model(histogram_spec()))}, 4);
  send_often(1, 20, 4);  // each flow is due once, at its 4th packet
  EXPECT_EQ(left_out(LadderStep::keep_marks), 16U);
  EXPECT_EQ(entered(LadderStep::keep_marks), 1U);
  infer_all();
  EXPECT_EQ(inferences(0), 4U);
  EXPECT_TRUE(send(1, 4));  // the oldest four
  EXPECT_FALSE(send(5, 1));
}

TEST_F(OverloadTest, AFlowLeftOutIsAskedLater) {
  use({active(size_model(histogram_spec()))}, 1);
  send_often(1, 2, 4);
  infer_all();
  EXPECT_FALSE(send(2, 1));
  send_often(2, 1, 16);
  infer_all();
  EXPECT_TRUE(send(2, 1));
}

// Strangers who send enough for a model, but get no answer.
TEST_F(OverloadTest, AFlowThatWasAnsweredIsAskedBeforeAQueueFullOfStrangers) {
  use({active(size_model(histogram_spec()))}, 16);
  send_often(1, 40, 4);
  ASSERT_EQ(entered(LadderStep::keep_marks), 1U);
  converse(900, 4);
  EXPECT_EQ(left_out(LadderStep::keep_marks), 40U - 16U) << "none of the conversation";
  while (inferences(0) == 0) classifier_->infer(0);
  EXPECT_TRUE(send(900, 1));
  EXPECT_FALSE(send(1, 1)) << "who waited longer";
  infer_all();
  EXPECT_EQ(inferences(0), 17U) << "the strangers' turn comes as well";
}

TEST_F(OverloadTest, WithoutOverloadTheOldestIsAskedFirst) {
  use({active(size_model(histogram_spec()))}, 16);
  send_often(1, 2, 4);
  converse(900, 4);
  while (inferences(0) == 0) classifier_->infer(0);
  EXPECT_TRUE(send(1, 1));
  EXPECT_FALSE(send(900, 1));
}

TEST_F(OverloadTest, ConversationsLeaveEachOtherOut) {
  use({active(size_model(histogram_spec()))}, 4);
  for (uint16_t flow = 1; flow <= 20; ++flow) converse(flow, 4);
  EXPECT_EQ(left_out(LadderStep::keep_marks), 16U);
  infer_all();
  EXPECT_EQ(inferences(0), 4U);
}

TEST_F(OverloadTest, RefinementOfFlowsWithAVerdictGoesFirst) {
  use({active(size_model(histogram_spec()))}, 8);
  send_often(1, 3, 4);
  infer_all();
  ASSERT_EQ(inferences(0), 3U);
  send_often(11, 4, 4);  // new flows: half of the queue
  ASSERT_EQ(entered(LadderStep::no_refinement), 1U);
  send_often(1, 3, 4);  // would be due again at their 8th packet
  EXPECT_EQ(left_out(LadderStep::no_refinement), 3U);
  send_often(21, 2, 4);  // first verdicts are still taken
  infer_all();
  EXPECT_EQ(inferences(0), 9U);
  EXPECT_TRUE(send(1, 3) && send(11, 4) && send(21, 2));
}

// Refinements that were queued before it stepped down are left out when their turn comes.
TEST_F(OverloadTest, QueuedRefinementsGiveWayToo) {
  use({active(size_model(histogram_spec()))}, 8);
  send_often(1, 3, 4);
  infer_all();
  send_often(1, 3, 4);   // three refinements wait
  send_often(11, 2, 4);  // steps down
  classifier_->infer(0);
  EXPECT_EQ(left_out(LadderStep::no_refinement), 1U);
  EXPECT_EQ(inferences(0), 3U);
}

TEST_F(OverloadTest, ThenOnlyTheCheapestModelOfATaskIsAsked) {
  constexpr int kManySteps = 20'000;
  use({active(size_model(histogram_spec()), "cheap"),
       active(size_model(picture_spec(), 500, {"small", "large"}, kManySteps), "costly")},
      8);
  send_often(1, 1, 4);  // lets the costs be known
  infer_all();
  ASSERT_EQ(inferences(1), 1U);
  send_often(11, 3, 4);  // six windows wait
  ASSERT_EQ(entered(LadderStep::cheapest), 1U);
  send_often(21, 2, 4);  // the cheap model's still fit in
  EXPECT_EQ(left_out(LadderStep::cheapest), 2U);
  EXPECT_EQ(left_out(LadderStep::keep_marks), 0U);
  infer_all();
  EXPECT_EQ(inferences(0), 6U);
  EXPECT_TRUE(send(21, 2));
}

TEST_F(OverloadTest, AModelWithATaskOfItsOwnHasNoCheaperOne) {
  const auto costly =
      std::const_pointer_cast<Model>(size_model(picture_spec(), 500, {"small", "large"}, 20'000));
  costly->task = "another";
  use({active(size_model(histogram_spec()), "cheap"), active(costly, "costly")}, 8);
  send_often(1, 1, 4);
  infer_all();
  send_often(11, 4, 4);
  EXPECT_EQ(left_out(LadderStep::cheapest), 0U);
}

}  // namespace
}  // namespace flowmark
