#include "classify/flow_states.h"

#include <gtest/gtest.h>

#include "unit/classify/plain_flow.h"
#include "unit/classify/worker_flows.h"

namespace flowmark {
namespace {

using testing::active;
using testing::digest_model;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;
using testing::WorkerFlows;

std::vector<ActiveModel> one_model(const FeatureSpec& spec = histogram_spec()) {
  return {active(size_model(spec))};
}

size_t records_in_windows(const FlowState& state) {
  const auto [older, newer] = state.windows->records();
  return older.size() + newer.size();
}

TEST(FlowStates, AFlowHasAStateFromItsSecondPacketThatKnowsOfTheFirst) {
  WorkerFlows flows;
  flows.use(one_model());
  FlowId id = flows.packet(1);
  const TimeUs first_us = flows.now_us;
  EXPECT_EQ(flows.states.find(id), nullptr);
  EXPECT_EQ(flows.states.used_bytes(), 0U);
  id = flows.packet(1, 2 * kUsPerSecond, Direction::down, 300);
  FlowState& state = flows.states.count(flows.table[id]);
  EXPECT_EQ(state.start_us, first_us);
  EXPECT_EQ(state.last_us, flows.now_us);
  EXPECT_EQ(state.total_bytes(), 500U);
  EXPECT_TRUE(flows.states.can_be_read(state));
}

TEST(FlowStates, OrFromItsFirst) {
  WorkerFlows flows(4u << 20, true);
  flows.use(one_model());
  const FlowId id = flows.packet(1);
  ASSERT_NE(flows.states.find(id), nullptr);
  EXPECT_EQ(flows.states.find(id)->start_us, flows.now_us);
}

TEST(FlowStates, AClockSetBackAfterTheFirstPacketStandsStill) {
  WorkerFlows flows;
  flows.use(one_model());
  flows.packet(1);
  const FlowId id = flows.packet(1, -24 * 3600 * kUsPerSecond);
  EXPECT_EQ(flows.states.find(id)->start_us, flows.now_us);
}

TEST(FlowStates, WithoutModelsThereAreNone) {
  WorkerFlows flows;
  EXPECT_EQ(flows.states.find(flows.packets(1, 3)), nullptr);
  EXPECT_EQ(flows.counters->bypassed[static_cast<size_t>(Bypass::no_model)].get(), 3U);
}

// What a flow did without models is not known, and nothing is made up for it.
TEST(FlowStates, AFlowThatModelsFindBeginsWithItsFirstKnownPacket) {
  for (const int before : {1, 2, 5}) {
    WorkerFlows flows;
    flows.packets(1, before);
    const TimeUs last_us = flows.now_us;
    flows.use(one_model());
    const FlowId id = flows.packet(1, 10'000, Direction::down, 300);
    ASSERT_NE(flows.states.find(id), nullptr);
    const FlowState& state = flows.states.count(flows.table[id]);
    const bool knows_first = before == 1;
    EXPECT_EQ(state.start_us, knows_first ? last_us : flows.now_us) << before;
    EXPECT_EQ(state.total_bytes(), knows_first ? 500U : 300U) << before;
    EXPECT_EQ(state.total_packets(), knows_first ? 2U : 1U) << before;
  }
}

TEST(FlowStates, HandsRecordsOnWhenTheStageIsFullOrSomebodyAsks) {
  WorkerFlows flows;
  flows.use(one_model());
  FlowId id = flows.packets(1, FlowState::kStaged);
  EXPECT_EQ(flows.states.find(id)->windows, nullptr);
  id = flows.packet(1);
  EXPECT_EQ(records_in_windows(*flows.states.find(id)), FlowState::kStaged);
  flows.packets(1, 4);
  flows.states.hand_on(id);
  EXPECT_EQ(records_in_windows(*flows.states.find(id)), FlowState::kStaged + 5U);
}

TEST(FlowStates, PacketsCountForTheClassThatStands) {
  WorkerFlows flows;
  flows.use(one_model());
  const FlowId id = flows.packets(1, 10);
  flows.states.count(flows.table[id]).standing[0] = 1;
  flows.packets(1, 50);
  flows.states.count(flows.table[id]);
  EXPECT_EQ(flows.counters->models[0].packets[1].get(), 50U);
  EXPECT_EQ(flows.counters->models[0].bytes[1].get(), 50U * 200U);
  EXPECT_EQ(flows.counters->models[0].packets[0].get(), 0U);
}

TEST(FlowStates, AFlowIsKnownByItsSerialToo) {
  WorkerFlows flows;
  flows.use(one_model());
  const FlowId id = flows.packets(1, 2);
  const uint32_t serial = flows.states.find(id)->serial;
  EXPECT_EQ(flows.states.find(id, serial), flows.states.find(id));
  flows.table.erase(id);
  EXPECT_EQ(flows.states.find(id, serial), nullptr);
  ASSERT_EQ(flows.packets(1, 2), id) << "the entry is used again";
  EXPECT_EQ(flows.states.find(id, serial), nullptr);
}

TEST(FlowStates, AModelWithAConditionIsAskedOnlyWhereThatHolds) {
  WorkerFlows flows;
  std::vector<ActiveModel> models = {active(size_model(histogram_spec())),
                                     active(size_model(histogram_spec()))};
  models[1].condition = VerdictCondition{.class_mask = 0b10};
  flows.use(models);
  FlowState& state = *flows.states.find(flows.packets(1, 2));
  VerdictState& verdict = flows.states.layout().model(state, 0).verdict;
  EXPECT_TRUE(flows.states.is_asked(state, 0));
  EXPECT_FALSE(flows.states.is_asked(state, 1));
  verdict = {.windows = 1, .class_index = 0};
  EXPECT_FALSE(flows.states.is_asked(state, 1));
  verdict.class_index = 1;
  EXPECT_TRUE(flows.states.is_asked(state, 1));
}

TEST(FlowStates, AModelMayWaitForAnotherOnesConfidence) {
  WorkerFlows flows;
  std::vector<ActiveModel> models(2, active(size_model(histogram_spec())));
  models[1].condition = VerdictCondition{.below = 0.8F};
  flows.use(models);
  FlowState& state = *flows.states.find(flows.packets(1, 2));
  const StateLayout& layout = flows.states.layout();
  EXPECT_FALSE(flows.states.is_asked(state, 1)) << "the other one has not answered";
  layout.model(state, 0).verdict = {.windows = 1, .class_index = 1};
  layout.votes(state, 0)[1] = 0.7F;
  EXPECT_TRUE(flows.states.is_asked(state, 1));
  layout.votes(state, 0)[1] = 0.85F;
  EXPECT_FALSE(flows.states.is_asked(state, 1));
  layout.model(state, 1).verdict.windows = 1;
  EXPECT_TRUE(flows.states.is_asked(state, 1)) << "within the other one's hysteresis";
  layout.votes(state, 0)[1] = 0.95F;
  EXPECT_FALSE(flows.states.is_asked(state, 1));
}

TEST(FlowStates, AnAnswerOfALargerModelRefinesTheSmallOnesVerdict) {
  WorkerFlows flows;
  std::vector<ActiveModel> models(3, active(size_model(histogram_spec())));
  models[1].condition = VerdictCondition{.below = 0.8F};
  models[2].condition = VerdictCondition{.class_mask = 0b10};
  flows.use(models);
  FlowState& state = *flows.states.find(flows.packets(1, 2));
  EXPECT_FALSE(flows.states.would_refine(state, 0));
  EXPECT_FALSE(flows.states.would_refine(state, 1));
  flows.states.layout().model(state, 0).verdict = {.windows = 1, .class_index = 1};
  EXPECT_TRUE(flows.states.would_refine(state, 0));
  EXPECT_TRUE(flows.states.would_refine(state, 1));
  EXPECT_FALSE(flows.states.would_refine(state, 2)) << "it says something of its own";
}

/// Five flows under one kind of model, then another set of models.
class MovingFlows {
 public:
  explicit MovingFlows(const FeatureSpec& next) {
    flows.use(one_model());
    for (uint16_t flow = 1; flow <= kFlows; ++flow) ids.push_back(flows.packets(flow, 50));
    flows.use(one_model(next));
  }
  /// A packet of each flow, and others as if the burst had so many; how many flows have moved.
  ptrdiff_t burst(size_t packets = kFlows) {
    flows.states.begin_burst(packets);
    for (uint16_t flow = 1; flow <= kFlows; ++flow) flows.record(flow);
    flows.states.end_burst();
    return std::ranges::count_if(
        ids, [&](FlowId id) { return flows.states.is_current(*flows.states.find(id)); });
  }

  static constexpr uint16_t kFlows = 5;
  WorkerFlows flows;
  std::vector<FlowId> ids;
};

TEST(FlowStates, NewModelsAdoptTwoFlowsABurst) {
  MovingFlows moving(histogram_spec());
  for (const int expected : {2, 4, 5}) EXPECT_EQ(moving.burst(), expected);
  WorkerFlows& flows = moving.flows;
  EXPECT_EQ(flows.states.count(flows.table[moving.ids[4]]).total_packets(), 53U);
}

TEST(FlowStates, OneFlowABurstWhereWindowsAreRebuilt) {
  MovingFlows moving(picture_spec());
  for (const int expected : {1, 2, 3}) EXPECT_EQ(moving.burst(), expected);
}

TEST(FlowStates, NoneInALargeBurstRightAfterTheChange) {
  MovingFlows moving(histogram_spec());
  for (const int expected : {0, 2, 4}) EXPECT_EQ(moving.burst(32), expected);
}

TEST(FlowStates, ModelsOfAnotherFormRebuildWindowsFromTheLastRecords) {
  WorkerFlows flows;
  flows.use(one_model());
  const FlowId id = flows.packets(1, 100);
  const TimeUs start_us = flows.states.find(id)->start_us;
  flows.use(one_model(picture_spec()));
  EXPECT_FALSE(flows.states.can_be_read(*flows.states.find(id)));
  flows.packet(1);
  flows.states.hand_on(id);
  const FlowState& state = *flows.states.find(id);
  EXPECT_TRUE(flows.states.can_be_read(state));
  EXPECT_EQ(state.start_us, start_us);
  EXPECT_EQ(records_in_windows(state), 101U);
  flows.states.catch_up(id, FlowWindows::kRingCapacity);
  WindowReader reader(*flows.models()->plan());
  EXPECT_EQ(flows.states.begin_read(id, 0, Direction::up, reader), 101U);
}

TEST(FlowStates, APlanThatNoFlowHoldsIsGivenBackWithTheNextModels) {
  WorkerFlows flows;
  flows.use(one_model());
  flows.packets(1, 50);
  flows.use(one_model(picture_spec()));
  EXPECT_TRUE(flows.prepared->plans.empty()) << "a flow holds the first plan";
  flows.packet(1);  // moves to the second one
  flows.use(one_model(histogram_spec(16)));
  ASSERT_EQ(flows.prepared->plans.size(), 1U);
  EXPECT_EQ(flows.prepared->plans.front().plan->specs()[0], histogram_spec());
  flows.use(one_model());  // no flow ever held the third
  ASSERT_EQ(flows.prepared->plans.size(), 1U);
  EXPECT_EQ(flows.prepared->plans.front().plan->specs()[0], histogram_spec(16));
  flows.table.clear();
  flows.use(one_model());
  ASSERT_EQ(flows.prepared->plans.size(), 2U) << "the second, and this one, which is there already";
}

TEST(FlowStates, RebuiltWindowsKnowTheFlowsTransport) {
  const FeatureSpec spec =
      FeatureSpec::from_json(R"({"kind":"joint","parts":[{"kind":"transport"}]})", "test");
  WorkerFlows flows;
  flows.use(one_model(histogram_spec()));
  const FlowId id = flows.packets(1, 100);
  flows.use({digest_model(spec, "joint")});
  flows.packet(1);
  flows.states.hand_on(id);
  WindowReader reader(*flows.models()->plan());
  flows.states.begin_read(id, 0, Direction::up, reader);
  SparseWindow window;
  window.reserve(1);
  while (!reader.step(UINT32_MAX, window)) {
  }
  EXPECT_EQ(window, (SparseWindow{{3, 1}})) << "protocol 0 is none that has a name";
}

TEST(FlowStates, AFlowThatLeavesGivesAllMemoryBackAlsoAcrossModels) {
  WorkerFlows flows;
  for (const FeatureSpec& spec : {histogram_spec(), picture_spec(), histogram_spec()}) {
    flows.use(one_model(spec));
    for (uint16_t flow = 1; flow <= 4; ++flow) flows.packets(flow, 50);
  }
  EXPECT_GT(flows.states.used_bytes(), 0U);
  flows.table.clear();
  EXPECT_EQ(flows.states.used_bytes(), 0U);
  EXPECT_EQ(flows.ended.size(), 4U);
}

TEST(FlowStates, WhenMemoryIsShortAnIdleFlowGivesItsStateUp) {
  WorkerFlows flows(64 * 1024);
  flows.use(one_model());
  const auto send = [&](uint16_t flow) { return flows.packet(flow, 10); };
  const auto refused = [&] {
    return flows.counters->bypassed[static_cast<size_t>(Bypass::out_of_memory)].get();
  };
  send(1);
  const FlowId idle = send(1);
  uint16_t refused_flow = 1;
  while (refused() == 0) {
    send(++refused_flow);
    send(refused_flow);
  }
  flows.now_us += 2 * kUsPerSecond;
  for (uint16_t busy = 2; busy < refused_flow; ++busy) send(busy);
  EXPECT_TRUE(flows.ended.empty());
  FlowId fresh = kNoFlow;
  for (int i = 0; i < 10 && flows.ended.empty(); ++i) fresh = send(refused_flow);
  EXPECT_NE(flows.states.find(fresh), nullptr);
  EXPECT_EQ(flows.ended, std::vector{idle}) << "none of the busy ones";
  EXPECT_EQ(flows.counters->windows_given_up.get(), 1U);
  EXPECT_TRUE(flows.table.in_use(idle)) << "the flow stays";
}

}  // namespace
}  // namespace flowmark
