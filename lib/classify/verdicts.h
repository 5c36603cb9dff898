#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "classify/flow_news.h"
#include "classify/flow_states.h"
#include "classify/prepared_models.h"
#include "classify/verdict_event.h"
#include "flow/flow_table.h"
#include "telemetry/worker_counters.h"

namespace flowmark {

/// Turns the models' answers into verdicts: votes, settles what stands, withdraws verdicts whose
/// condition no longer holds, sets the flow's mark, counts and tells. Owns no verdict: these stand
/// in the flows' states.
///
/// Worker thread only: the packet path.
class Verdicts {
 public:
  /// `sink`: may be nullptr. All must outlive this.
  Verdicts(FlowTable& table, FlowStates& states, FlowNews& news, WorkerCounters& counters,
           VerdictSink* sink);

  /// After FlowStates::use_models(): counters of slots begin anew where classes differ.
  void use_models(PreparedModels& prepared) noexcept;

  /// What a model answered.
  struct Answer {
    uint8_t model = 0;
    bool provisional = true;  ///< the window was not full yet
    TimeUs time_us = 0;       ///< of the packet that made the window due
    std::span<const float> probabilities;
    bool unfamiliar = false;  ///< the window resembles no class (model/model.h)
  };
  /// The answer joins the flow's votes: for no class if it is unfamiliar. One that is not finite is
  /// counted and forgotten. The flow's state is current.
  void add(FlowId id, const Answer& answer) noexcept;

  /// The flow was moved to models that ask the same: its verdicts stand, its marks may be others
  /// than `mark_before`.
  void take_over(FlowId id, uint8_t mark_before) noexcept;

  /// Ends the verdicts of a flow whose state is about to go, each with a final event.
  void end(FlowId id) noexcept;
  /// No event is told from now on.
  void be_silent() noexcept { sink_ = nullptr; }

 private:
  VerdictChange vote_on(FlowState& state, const Answer& answer) noexcept;
  void renew_mark(FlowId id, TimeUs time_us) noexcept;
  void tell_answer(FlowId id, const Answer& answer, VerdictChange change) noexcept;
  void count_change(FlowState& state, const Answer& answer, VerdictChange change,
                    uint32_t before) noexcept;
  uint32_t withdraw_dependents(FlowEntry& entry) noexcept;
  void tell_withdrawn(FlowId id, const Answer& answer, uint32_t slots) noexcept;
  void count_standing(FlowEntry& entry, size_t slot, int step) noexcept;
  void set_mark(FlowEntry& entry) noexcept;
  uint8_t mark_of(FlowState& state) const noexcept;
  void tell(FlowId id, uint8_t slot, VerdictEvent event) noexcept;

  FlowTable& table_;
  FlowStates& states_;
  FlowNews& news_;
  WorkerCounters& counters_;
  VerdictSink* sink_;
  std::vector<std::string> owners_;  ///< of the slots' counters
};

}  // namespace flowmark
