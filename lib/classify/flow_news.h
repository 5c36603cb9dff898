#pragma once

#include <cstdint>

#include "classify/flow_event.h"
#include "classify/flow_states.h"
#include "mark/admission.h"

namespace flowmark {

/// Tells a FlowSink of one worker's flows that have a class or a mark, and of those that lose it.
/// What it keeps of a flow are two bits of the entry's flags.
///
/// Worker thread only: the packet path. Without a sink all functions return at once.
class FlowNews {
 public:
  /// Every flow is told again within this time, so that a lost event is made good.
  static constexpr TimeUs kRefreshUs = 32 * kUsPerSecond;

  /// `sink`: may be nullptr. All must outlive this.
  FlowNews(FlowTable& table, FlowStates& states, FlowSink* sink);

  /// What the worker runs from now on, also when it has no models.
  void use(const ModelSet& set) noexcept { set_ = &set; }

  /// A verdict of the flow, which has a state for the present models, was given, changed or
  /// withdrawn, and its mark follows.
  void verdict_changed(FlowId id, uint8_t mark_before, TimeUs time_us) noexcept;
  /// The answer about a live mark, for each packet that asks.
  void admission(FlowId id, Admission::Answer answer, TimeUs time_us) noexcept {
    if (sink_ == nullptr || (table_[id].flags & kLiveAnswer) == flag_of(answer)) [[likely]]
      return;
    admission_changed(id, answer, time_us);
  }
  /// The flow leaves the table, or must give its state up (Removal::memory) and stays. Called while
  /// the state is there.
  void removed(FlowId id, Removal reason) noexcept;
  /// Tells the next flows again: `entries` entries of the table are looked at.
  void refresh(uint32_t entries) noexcept;

  bool is_silent() const noexcept { return sink_ == nullptr; }
  void be_silent() noexcept { sink_ = nullptr; }

 private:
  static constexpr uint8_t kLiveAnswer = kLiveAdmitted | kLiveRefused;
  static uint8_t flag_of(Admission::Answer answer) noexcept {
    return answer == Admission::Answer::admitted  ? kLiveAdmitted
           : answer == Admission::Answer::refused ? kLiveRefused
                                                  : FlowFlag{};
  }

  void admission_changed(FlowId id, Admission::Answer answer, TimeUs time_us) noexcept;
  void tell_change(FlowId id, TimeUs time_us) noexcept;
  FlowEvent describe(FlowId id) const noexcept;
  void describe_verdict(FlowState& state, FlowEvent& event) const noexcept;
  void describe_mark(const FlowEntry& entry, FlowEvent& event) const noexcept;
  bool has_class_or_mark(const FlowEntry& entry) const noexcept;
  uint8_t speaking_slot(FlowState& state) const noexcept;

  FlowTable& table_;
  FlowStates& states_;
  FlowSink* sink_;
  const ModelSet* set_ = nullptr;
  FlowId hand_ = 0;  ///< where refresh() goes on
};

}  // namespace flowmark
