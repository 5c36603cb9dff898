#include "classify/inference.h"

#include <gtest/gtest.h>

#include "unit/classify/worker_flows.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;
using testing::WorkerFlows;

class InferenceTest : public ::testing::Test {
 protected:
  InferenceTest() { flows_.feed(due_); }
  void use(std::vector<ActiveModel> models) {
    flows_.use(std::move(models));
    inference_.use_models(*flows_.prepared);
    due_.use_models();
    verdicts_.use_models(*flows_.prepared);
  }
  uint64_t inferences() const { return flows_.counters->models[0].inferences.get(); }
  uint64_t verdicts() const { return flows_.counters->models[0].verdicts[0].get(); }

  WorkerFlows flows_;
  DueWindows due_{8, flows_.table, flows_.states, *flows_.counters};
  FlowNews news_{flows_.table, flows_.states, nullptr};
  Verdicts verdicts_{flows_.table, flows_.states, news_, *flows_.counters, nullptr};
  Inference inference_{flows_.states, due_, verdicts_, *flows_.counters};
};

TEST_F(InferenceTest, WithoutDueWindowsThereIsNothingToDo) {
  use({active(size_model(histogram_spec()))});
  flows_.packets(1, 3);
  EXPECT_FALSE(inference_.run(UINT64_MAX));
  EXPECT_EQ(flows_.counters->inference_slices.get(), 0U);
}

TEST_F(InferenceTest, EachDueWindowGetsAnAnswer) {
  use({active(size_model(histogram_spec()))});
  for (uint16_t flow = 1; flow <= 3; ++flow) flows_.packets(flow, 4);
  EXPECT_FALSE(inference_.run(UINT64_MAX));
  EXPECT_EQ(inferences(), 3U);
  EXPECT_EQ(verdicts(), 3U);
}

TEST_F(InferenceTest, APieceAtATimeItComesToTheSame) {
  constexpr int kSteps = 20;
  use({active(size_model(picture_spec(), 500, {"small", "large"}, kSteps))});
  const FlowId id = flows_.packets(1, 200);
  int slices = 1;
  while (inference_.run(0)) ++slices;
  EXPECT_GE(slices, kSteps);
  EXPECT_EQ(flows_.counters->inference_slices.get(), static_cast<uint64_t>(slices));
  EXPECT_EQ(inferences(), 1U);
  EXPECT_EQ(flows_.table[id].mark, dscp::kExpedited);
}

TEST_F(InferenceTest, PacketsMayComeAndFlowsMayGoBetweenPieces) {
  use({active(size_model(histogram_spec()))});
  flows_.packets(1, 4);
  const FlowId gone = flows_.packets(2, 4);
  while (inferences() == 0) {
    inference_.run(0);
    flows_.packet(1);
  }
  inference_.run(0);  // begins with the other flow's window
  inference_.run(0);
  flows_.table.erase(gone);
  flows_.packet(1);
  EXPECT_FALSE(inference_.run(UINT64_MAX));
  EXPECT_GE(inferences(), 2U);
  EXPECT_EQ(verdicts(), 1U);
}

TEST_F(InferenceTest, OtherModelsDropTheWindowAtWork) {
  use({active(size_model(histogram_spec()))});
  flows_.packets(1, 4);
  EXPECT_TRUE(inference_.run(0));
  use({active(size_model(histogram_spec(), 100))});
  EXPECT_FALSE(inference_.run(UINT64_MAX));
  EXPECT_EQ(inferences(), 0U);
  flows_.packets(1, 1);
  inference_.run(UINT64_MAX);
  EXPECT_EQ(flows_.counters->models[0].verdicts[1].get(), 1U);
}

TEST_F(InferenceTest, AFullWindowIsNoLongerProvisional) {
  use({active(size_model(histogram_spec(8)))});
  flows_.packets(1, 4);
  inference_.run(UINT64_MAX);
  EXPECT_EQ(flows_.counters->models[0].provisional.get(), 1U);
  const FlowId id = flows_.packets(1, 4);
  inference_.run(UINT64_MAX);
  EXPECT_TRUE(flows_.states.layout().model(*flows_.states.find(id), 0).verdict.settled);
}

}  // namespace
}  // namespace flowmark
