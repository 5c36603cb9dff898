#include "actuator/mark_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "unit/actuator/lines.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Time = MarkStore::Clock::time_point;

/// Writes down what it is told.
class RecordingStore final : public MarkStore {
 public:
  explicit RecordingStore(std::vector<std::string>& calls) : calls_(calls) {}
  void set(const FlowTuple& flow, Dscp dscp) override {
    calls_.push_back(fmt::format("set {} {}", flow.source_port, dscp));
  }
  void clear(const FlowTuple& flow) override {
    calls_.push_back(fmt::format("clear {}", flow.source_port));
  }
  bool commit(Clock::time_point) override { return true; }
  void reconcile(const MarkedFlows& flows) override {
    std::map<uint16_t, int> sorted;
    for (const auto& [flow, dscp] : flows) sorted[flow.source_port] = dscp;
    std::string text = "reconcile";
    for (const auto& [port, dscp] : sorted) text += fmt::format(" {}:{}", port, dscp);
    calls_.push_back(text);
  }

 private:
  std::vector<std::string>& calls_;
};

class MarkKeeperTest : public testing::Test {
 protected:
  void mark(unsigned port, std::optional<unsigned> dscp) {
    take(mark_line("10.9.0.1", port, "10.9.0.2", dscp));
  }
  void end(unsigned port) { take(end_line("10.9.0.1", port, "10.9.0.2")); }
  void take(const std::string& text) { keeper_.take(parse_stream_line(text), text); }
  /// What the store was told since the last call.
  std::vector<std::string> calls() { return std::exchange(calls_, {}); }

  std::vector<std::string> calls_;
  ActuatorCounters counters_;
  MarkKeeper keeper_{
      std::make_unique<RecordingStore>(calls_), counters_, {3, std::chrono::seconds(60)}};
};

TEST_F(MarkKeeperTest, ASnapshotIsComparedOnceItIsWhole) {
  keeper_.begin_snapshot();
  mark(1, 46);
  mark(2, 34);
  mark(3, std::nullopt);
  end(2);
  keeper_.work(Time{});
  EXPECT_THAT(calls(), IsEmpty());
  keeper_.end_snapshot();
  keeper_.work(Time{});
  EXPECT_THAT(calls(), ElementsAre("reconcile 1:46"));
}

TEST_F(MarkKeeperTest, OnlyChangesReachTheStore) {
  keeper_.begin_snapshot();
  keeper_.end_snapshot();
  keeper_.work(Time{});
  calls();
  mark(1, 46);
  mark(1, 46);
  mark(1, 34);
  mark(2, std::nullopt);
  mark(1, std::nullopt);
  mark(1, 46);
  end(1);
  end(1);
  EXPECT_THAT(calls(), ElementsAre("set 1 46", "set 1 34", "clear 1", "set 1 46", "clear 1"));
}

TEST_F(MarkKeeperTest, ComparesAgainFromTimeToTime) {
  keeper_.begin_snapshot();
  mark(1, 46);
  keeper_.end_snapshot();
  keeper_.work(Time{});
  calls();
  keeper_.work(Time{} + std::chrono::seconds(59));
  EXPECT_THAT(calls(), IsEmpty());
  keeper_.work(Time{} + std::chrono::seconds(60));
  EXPECT_THAT(calls(), ElementsAre("reconcile 1:46"));
  EXPECT_EQ(counters_.reconciles, 2U);
}

TEST_F(MarkKeeperTest, ANewSnapshotReplacesWhatWasKnown) {
  keeper_.begin_snapshot();
  mark(1, 46);
  keeper_.end_snapshot();
  keeper_.begin_snapshot();
  mark(2, 46);
  keeper_.end_snapshot();
  keeper_.work(Time{});
  EXPECT_THAT(calls(), ElementsAre("reconcile 2:46"));
}

TEST_F(MarkKeeperTest, FlowsBeyondTheLimitAreLeftOutAndCounted) {
  keeper_.begin_snapshot();
  keeper_.end_snapshot();
  for (unsigned port = 1; port <= 5; ++port) mark(port, 46);
  EXPECT_EQ(keeper_.flows().size(), 3U);
  EXPECT_EQ(counters_.left_out, 2U);
  end(1);
  mark(4, 46);
  EXPECT_EQ(keeper_.flows().size(), 3U);
  EXPECT_EQ(counters_.left_out, 2U);
}

TEST_F(MarkKeeperTest, NothingIsComparedBeforeTheFirstSnapshotIsWhole) {
  keeper_.work(Time{} + std::chrono::hours(1));
  EXPECT_THAT(calls(), IsEmpty());
}

/// A line of a flow whose marks differ by direction: `to_wan`, `to_lan` as JSON writes them.
std::string line_of_both(const std::string& to_wan, const std::string& to_lan) {
  std::string line = mark_line("10.9.0.1", 1, "10.9.0.2", std::nullopt);
  line.replace(line.find(R"("dscp":null)"), 11,
               fmt::format(R"("dscp":{},"mark_to_lan":null,"dscp_to_lan":{})", to_wan, to_lan));
  return line;
}

TEST_F(MarkKeeperTest, KeepsTheMarksTowardsTheWan) {
  take(line_of_both("46", "34"));
  EXPECT_THAT(calls(), ElementsAre("set 1 46"));
  take(line_of_both("null", "34"));
  EXPECT_THAT(calls(), ElementsAre("clear 1"));
}

TEST(MarkKeeperTowardsLan, KeepsTheMarksTowardsTheLan) {
  std::vector<std::string> calls;
  ActuatorCounters counters;
  MarkKeeper keeper(std::make_unique<RecordingStore>(calls), counters,
                    {3, std::chrono::seconds(60), true});
  const auto take = [&](const std::string& text) { keeper.take(parse_stream_line(text), text); };
  take(line_of_both("46", "34"));
  take(line_of_both("null", "18"));
  take(line_of_both("46", "null"));
  take(mark_line("10.9.0.1", 1, "10.9.0.2", 46));  // both directions alike
  EXPECT_THAT(calls, ElementsAre("set 1 34", "set 1 18", "clear 1", "set 1 46"));
}

}  // namespace
}  // namespace flowmark
