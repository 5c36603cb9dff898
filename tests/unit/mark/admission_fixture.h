#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "mark/admission.h"

namespace flowmark {

/// A worker with its own counters.
struct AdmittingWorker {
  explicit AdmittingWorker(LiveBudget& budget, uint32_t flows = 1024)
      : admission(flows, &budget, *counters) {}
  std::unique_ptr<WorkerCounters> counters = std::make_unique<WorkerCounters>();
  Admission admission;

  uint64_t refused(Refusal reason) const {
    return counters->refused_flows[static_cast<size_t>(reason)].get();
  }
};

/// Flows that ask for a mark, and their clock.
class AdmissionTest : public ::testing::Test {
 protected:
  using Answer = Admission::Answer;
  static constexpr TimeUs kMs = kUsPerMs;

  /// Packets of `bytes` every `interval_us` until `end_us`; the answer to the last one.
  Answer send(AdmittingWorker& worker, uint64_t flow, uint32_t bytes, TimeUs interval_us,
              TimeUs end_us, const std::function<void(Answer)>& each = {}) {
    Answer answer = Answer::measuring;
    for (; now_us_ < end_us; now_us_ += interval_us) {
      answer = worker.admission.ask({.flow = flow * 0x9e3779b97f4a7c15,
                                     .mark = mark_,
                                     .host = &host_,
                                     .bytes = bytes,
                                     .time_us = now_us_,
                                     .caps = caps_});
      if (each) each(answer);
    }
    return answer;
  }

  LiveLimits limits_{.expedited_flow = 250'000, .conference_flow = 1'250'000};
  LiveMark mark_ = LiveMark::expedited;
  IpAddress host_{};
  LiveCaps caps_;
  TimeUs now_us_ = 0;
};

}  // namespace flowmark
