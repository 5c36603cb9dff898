#include "mark/admission.h"

#include <gtest/gtest.h>

#include "unit/mark/admission_fixture.h"

namespace flowmark {
namespace {

constexpr TimeUs kLongAfter = 20 * kUsPerSecond;

TEST_F(AdmissionTest, MeasuresFirstAndAdmitsThenForGood) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  send(worker, 1, 214, 20 * kMs, kUsPerSecond, [this](Answer answer) {
    EXPECT_EQ(answer, now_us_ < Admission::kMeasureUs ? Answer::measuring : Answer::admitted);
  });
  EXPECT_EQ(worker.counters->admitted_flows.get(), 1U);
  EXPECT_GT(budget.link_reserved(), 10'700U) << "50 packets of 214 bytes";
  EXPECT_EQ(worker.counters->reserved_rate.get(), budget.link_reserved());
}

TEST_F(AdmissionTest, AYoungFlowIsMeasuredFromItsBeginning) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  now_us_ = 400 * kMs;
  const Admission::Packet packet{
      .flow = 1, .mark = mark_, .host = &host_, .bytes = 214, .time_us = now_us_};
  ASSERT_EQ(worker.admission.ask(packet), Answer::measuring);
  EXPECT_EQ(worker.admission.count_past(packet, {.began_us = 200 * kMs, .bytes = 2'140}),
            Answer::measuring)
      << "200 ms are too little";
  EXPECT_EQ(send(worker, 1, 214, 20 * kMs, 440 * kMs), Answer::measuring) << "of another flow";

  const Admission::Packet later{
      .flow = 1, .mark = mark_, .host = &host_, .bytes = 214, .time_us = 450 * kMs};
  EXPECT_EQ(worker.admission.ask(later), Answer::admitted) << "250 ms after its first packet";
  EXPECT_EQ(worker.counters->admitted_flows.get(), 1U);
}

TEST_F(AdmissionTest, AYoungFlowsPastCountsAgainstItToo) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  now_us_ = 300 * kMs;
  const Admission::Packet packet{
      .flow = 1, .mark = mark_, .host = &host_, .bytes = 214, .time_us = now_us_};
  ASSERT_EQ(worker.admission.ask(packet), Answer::measuring);
  EXPECT_EQ(worker.admission.count_past(packet, {.began_us = 0, .bytes = 80'000}), Answer::refused)
      << "2.1 Mbit/s";
  EXPECT_EQ(worker.refused(Refusal::flow_rate), 1U);
}

TEST_F(AdmissionTest, AnOldFlowsQuietPastSpeaksNotForIt) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  now_us_ = 60 * kUsPerSecond;
  const Admission::Packet packet{
      .flow = 1, .mark = mark_, .host = &host_, .bytes = 214, .time_us = now_us_};
  ASSERT_EQ(worker.admission.ask(packet), Answer::measuring);
  const Admission::Past past{.began_us = now_us_ - Admission::kYoungUs - 1, .bytes = 2'140};
  EXPECT_EQ(worker.admission.count_past(packet, past), Answer::measuring);
}

TEST_F(AdmissionTest, AFlowOverItsRateIsNeverAdmitted) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  for (const TimeUs interval_us : {1, 20, 200, 4900}) {  // of 1250 bytes: down to 2.04 Mbit/s
    const auto flow = static_cast<uint64_t>(interval_us);
    send(worker, flow, 1250, interval_us, now_us_ + kUsPerSecond,
         [](Answer answer) { ASSERT_NE(answer, Answer::admitted); });
  }
  EXPECT_EQ(worker.refused(Refusal::flow_rate), 4U);
  EXPECT_EQ(budget.link_reserved(), 0U);
}

TEST_F(AdmissionTest, AConferenceMayHaveMoreAndReservesNothing) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  mark_ = LiveMark::conference;
  EXPECT_EQ(send(worker, 1, 1250, 1250, kUsPerSecond), Answer::admitted) << "8 Mbit/s";
  EXPECT_EQ(send(worker, 2, 1250, 200, now_us_ + kUsPerSecond), Answer::refused) << "50 Mbit/s";
  EXPECT_EQ(budget.link_reserved(), 0U);
}

TEST_F(AdmissionTest, AnAdmittedFlowThatGrowsReservesMore) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  send(worker, 1, 100, 20 * kMs, kUsPerSecond);
  const uint64_t before = budget.link_reserved();
  send(worker, 1, 1000, 5 * kMs, 3 * kUsPerSecond,
       [](Answer answer) { ASSERT_EQ(answer, Answer::admitted); });
  EXPECT_GT(budget.link_reserved(), 10 * before);
  EXPECT_LE(budget.link_reserved(), limits_.expedited_flow);
}

TEST_F(AdmissionTest, AFlowThatLeavesItsRateLosesTheMarkForATimeAndThenGetsItBack) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  send(worker, 1, 214, 20 * kMs, kUsPerSecond);
  send(worker, 1, 1250, 100, now_us_ + kUsPerSecond);  // 100 Mbit/s
  EXPECT_EQ(budget.link_reserved(), 0U);
  const TimeUs refused_us = now_us_;
  TimeUs again_us = 0;
  send(worker, 1, 214, 20 * kMs, kLongAfter, [&](Answer answer) {
    if (answer == Answer::admitted && again_us == 0) again_us = now_us_;
    if (again_us != 0) {
      ASSERT_EQ(answer, Answer::admitted) << "no flapping";
    }
  });
  EXPECT_GT(again_us, refused_us + limits_.hold_us - kUsPerSecond);
  EXPECT_LT(again_us, refused_us + limits_.hold_us + kUsPerSecond);
}

TEST_F(AdmissionTest, AHostsFlowsShareItsPart) {
  limits_.expedited_host = 40'000;
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  int admitted = 0;
  for (uint64_t flow = 1; flow <= 10; ++flow) {
    now_us_ = 0;
    admitted += send(worker, flow, 214, 20 * kMs, kUsPerSecond) == Answer::admitted ? 1 : 0;
  }
  EXPECT_EQ(admitted, 3) << "of 12 kB/s each with the eighth more";
  EXPECT_EQ(worker.refused(Refusal::host_share), 7U);
  host_[15] = 2;
  now_us_ = 0;
  EXPECT_EQ(send(worker, 11, 214, 20 * kMs, kUsPerSecond), Answer::admitted) << "another host";
}

TEST_F(AdmissionTest, WorkersShareTheLink) {
  limits_.expedited_link = 40'000;
  LiveBudget budget(limits_);
  AdmittingWorker one(budget), two(budget);
  int admitted = 0;
  for (uint64_t flow = 1; flow <= 10; ++flow) {
    now_us_ = 0;
    AdmittingWorker& worker = flow % 2 == 0 ? one : two;
    admitted += send(worker, flow, 214, 20 * kMs, kUsPerSecond) == Answer::admitted ? 1 : 0;
  }
  EXPECT_EQ(admitted, 3);
  EXPECT_EQ(one.refused(Refusal::link_share) + two.refused(Refusal::link_share), 7U);
  EXPECT_EQ(one.counters->reserved_rate.get() + two.counters->reserved_rate.get(),
            budget.link_reserved());
}

TEST_F(AdmissionTest, APauseInSpeechCostsNothing) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  send(worker, 1, 214, 20 * kMs, 5 * kUsPerSecond);
  const auto admitted = [](Answer answer) { ASSERT_EQ(answer, Answer::admitted); };
  for (int i = 0; i < 10; ++i) {
    send(worker, 1, 60, 400 * kMs, now_us_ + 3 * kUsPerSecond, admitted);  // comfort noise
    send(worker, 1, 214, 20 * kMs, now_us_ + 2 * kUsPerSecond, admitted);
  }
  EXPECT_EQ(worker.counters->admitted_flows.get(), 1U);
}

TEST_F(AdmissionTest, WhoFallsSilentGivesBackWhatItHad) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  send(worker, 1, 1000, 5 * kMs, kUsPerSecond);
  const uint64_t busy = budget.link_reserved();
  worker.admission.expire(3 * kUsPerSecond, worker.admission.records());
  EXPECT_LT(budget.link_reserved(), busy);
  EXPECT_GT(budget.link_reserved(), 0U);
  worker.admission.expire(kLongAfter, worker.admission.records());
  EXPECT_EQ(budget.link_reserved(), 0U);
}

TEST_F(AdmissionTest, AWorkersEndGivesBackWhatItsFlowsHad) {
  LiveBudget budget(limits_);
  {
    AdmittingWorker worker(budget);
    send(worker, 1, 1000, 5 * kMs, kUsPerSecond);
    EXPECT_GT(budget.link_reserved(), 0U);
  }
  EXPECT_EQ(budget.link_reserved(), 0U);
}

TEST_F(AdmissionTest, AFullTableRefusesNewFlowsAndKeepsTheOthers) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget, 4);
  for (uint64_t flow = 1; flow <= 4; ++flow) {
    now_us_ = 0;
    EXPECT_EQ(send(worker, flow, 214, 20 * kMs, kUsPerSecond), Answer::admitted);
  }
  now_us_ = 0;
  EXPECT_EQ(send(worker, 5, 214, 20 * kMs, kUsPerSecond), Answer::refused);
  EXPECT_GT(worker.counters->demoted[static_cast<size_t>(Refusal::no_room)].get(), 0U);
  EXPECT_EQ(send(worker, 1, 214, 20 * kMs, now_us_ + kUsPerSecond), Answer::admitted);
}

TEST_F(AdmissionTest, AnotherMarkIsAnotherAdmission) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  EXPECT_EQ(send(worker, 1, 214, 20 * kMs, kUsPerSecond), Answer::admitted);
  mark_ = LiveMark::conference;
  EXPECT_EQ(send(worker, 1, 214, 20 * kMs, now_us_ + 20 * kMs), Answer::measuring);
  EXPECT_EQ(budget.link_reserved(), 0U);
}

TEST_F(AdmissionTest, AClockThatStepsBackADayHoldsNobodyOut) {
  LiveBudget budget(limits_);
  AdmittingWorker worker(budget);
  now_us_ = 86'400 * kUsPerSecond;
  send(worker, 1, 1250, 100, now_us_ + kUsPerSecond);  // refused
  now_us_ = 0;
  EXPECT_EQ(send(worker, 1, 214, 20 * kMs, kLongAfter), Answer::admitted);
}

TEST_F(AdmissionTest, WithoutABudgetEverybodyIsAdmitted) {
  WorkerCounters counters;
  Admission admission(1024, nullptr, counters);
  EXPECT_EQ(admission.ask({.flow = 1, .host = &host_, .bytes = 1500}), Answer::admitted);
  EXPECT_EQ(admission.records(), 0U);
}

}  // namespace
}  // namespace flowmark
