// Caps of policies, beside the limits that hold for all flows.
#include "unit/mark/admission_fixture.h"

namespace flowmark {
namespace {

/// Calls of 214 bytes every 20 ms: 13 kB/s each with the eighth more.
class LiveCapsTest : public AdmissionTest {
 protected:
  /// Of flows `first` to `last`, each measured for a second, those that have the mark then.
  int admitted(AdmittingWorker& worker, uint64_t first, uint64_t last) {
    const TimeUs start_us = now_us_;
    int count = 0;
    for (uint64_t flow = first; flow <= last; ++flow) {
      now_us_ = start_us;
      count += call(worker, flow) == Answer::admitted ? 1 : 0;
    }
    return count;
  }
  Answer call(AdmittingWorker& worker, uint64_t flow) {
    return send(worker, flow, 214, 20 * kMs, now_us_ + kUsPerSecond);
  }
};

TEST_F(LiveCapsTest, AHostsCapReplacesTheLimitOfAllHosts) {
  limits_.expedited_host = 40'000;
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  caps_.host = 100'000;
  EXPECT_EQ(admitted(worker, 1, 10), 7);
  host_[15] = 2;
  caps_.host = 15'000;
  EXPECT_EQ(admitted(worker, 11, 20), 1);
  host_[15] = 3;
  caps_.host = 0;
  EXPECT_EQ(admitted(worker, 21, 40), 20) << "no limit";
  EXPECT_EQ(worker.refused(Refusal::host_share), 3U + 9U);
}

TEST_F(LiveCapsTest, AHostsCapHoldsWhereThereAreNoLimits) {
  LiveBudget budget({});
  AdmittingWorker worker(budget);
  EXPECT_EQ(worker.admission.ask({.flow = 1, .host = &host_}), Answer::admitted) << "at once";
  caps_.host = 15'000;
  EXPECT_EQ(admitted(worker, 11, 20), 1);
}

TEST_F(LiveCapsTest, AGroupSharesItsTotalAcrossHostsAndWorkers) {
  LiveBudget budget(limits_);
  AdmittingWorker one(budget), two(budget);
  caps_ = {.host = {}, .total = 40'000, .group = 7};
  EXPECT_EQ(admitted(one, 1, 2), 2);
  now_us_ = 0;
  host_[15] = 2;
  EXPECT_EQ(admitted(two, 11, 20), 1);
  EXPECT_EQ(two.refused(Refusal::policy_share), 9U);
  EXPECT_EQ(budget.group_reserved(7), budget.link_reserved());
  caps_.group = 8;
  EXPECT_EQ(admitted(two, 21, 30), 3) << "another group";
}

TEST_F(LiveCapsTest, AGroupGetsBackWhatItsFlowsNoLongerNeed) {
  LiveBudget budget(limits_);
  caps_ = {.host = {}, .total = 40'000, .group = LiveCaps::kMostGroups};
  {
    AdmittingWorker worker(budget);
    EXPECT_EQ(admitted(worker, 1, 3), 3);
    EXPECT_GT(budget.group_reserved(LiveCaps::kMostGroups), 36'000U);
    worker.admission.expire(now_us_ + 20 * kUsPerSecond, worker.admission.records());
    EXPECT_EQ(budget.group_reserved(LiveCaps::kMostGroups), 0U);
    now_us_ += 20 * kUsPerSecond;
    EXPECT_EQ(admitted(worker, 11, 13), 3);
  }
  EXPECT_EQ(budget.group_reserved(LiveCaps::kMostGroups), 0U);
  EXPECT_EQ(budget.link_reserved(), 0U);
}

TEST_F(LiveCapsTest, ARefusalByTheGroupCountsAgainstNoHost) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  caps_ = {.host = {}, .total = 1, .group = 1};
  EXPECT_EQ(admitted(worker, 1, 1), 0);
  EXPECT_EQ(budget.host_reserved(budget.host_of(host_)), 0U);
  EXPECT_EQ(budget.link_reserved(), 0U);
}

TEST_F(LiveCapsTest, AsManyFlowsAsFitKeepTheirMarkUnderLowerCaps) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  caps_.host = 120'000;
  EXPECT_EQ(admitted(worker, 1, 8), 8);
  caps_.host = 40'000;
  EXPECT_EQ(admitted(worker, 1, 8), 8) << "nobody was told";
  worker.admission.caps_changed();
  EXPECT_EQ(admitted(worker, 1, 8), 3);
  caps_ = {.host = {}, .total = 30'000, .group = 3};
  worker.admission.caps_changed();
  EXPECT_EQ(admitted(worker, 1, 8), 2);
  EXPECT_EQ(worker.refused(Refusal::policy_share), 1U);
}

TEST_F(LiveCapsTest, TheSameOrHigherCapsChangeNothing) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  caps_.host = 40'000;
  EXPECT_EQ(admitted(worker, 1, 4), 3);
  const uint64_t before = budget.link_reserved();
  for (const uint64_t host : {40'000, 50'000}) {
    caps_.host = host;
    worker.admission.caps_changed();
    EXPECT_EQ(admitted(worker, 1, 4), 3);
  }
  EXPECT_LE(budget.link_reserved(), before);
  now_us_ += limits_.hold_us;
  EXPECT_EQ(admitted(worker, 1, 4), 4) << "the refused one is asked again after hold_us";
}

TEST_F(LiveCapsTest, AFlowTakesWhatItReservedIntoAnotherGroup) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  caps_ = {.host = {}, .total = 40'000, .group = 1};
  EXPECT_EQ(admitted(worker, 1, 1), 1);
  caps_.group = 2;
  EXPECT_EQ(admitted(worker, 1, 1), 1);
  EXPECT_EQ(budget.group_reserved(1), 0U);
  EXPECT_EQ(budget.group_reserved(2), budget.link_reserved());
  caps_ = {};
  EXPECT_EQ(admitted(worker, 1, 1), 1);
  EXPECT_EQ(budget.group_reserved(2), 0U);
  EXPECT_GT(budget.link_reserved(), 12'000U);
}

TEST_F(LiveCapsTest, CapsAreNothingToVideoCalls) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  mark_ = LiveMark::conference;
  caps_ = {.host = 1, .total = 1, .group = 1};
  EXPECT_EQ(admitted(worker, 1, 3), 3);
  EXPECT_EQ(budget.group_reserved(1), 0U);
}

}  // namespace
}  // namespace flowmark
