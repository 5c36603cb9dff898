#pragma once

#include <cstdint>

#include "classify/flow_event.h"
#include "classify/flow_states.h"
#include "mark/admission.h"

namespace flowmark {

/// Tells a FlowSink of one worker's flows that have a class or a mark, and of those that lose it.
/// What it keeps of a flow is the last answer about its live mark.
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

  /// A verdict of the flow was given, changed or withdrawn, or its mark is another one.
  void changed(FlowId id, uint8_t mark_before, TimeUs time_us) noexcept;
  /// Whether packets leave otherwise under the second of two numbers of marks.
  static bool is_another_mark(uint8_t before, uint8_t now) noexcept {
    return before != now && (writes_mark(before) || writes_mark(now));
  }
  /// The answer about a live mark, for each packet that asks.
  void admission(FlowId id, Admission::Answer answer, TimeUs time_us) noexcept {
    if (sink_ == nullptr || live_answer(table_[id]) == answer) [[likely]]
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
  static bool writes_mark(uint8_t mark) noexcept {
    return mark != MarkNumbers::kNone && mark != MarkNumbers::kKeep;
  }
  static Admission::Answer live_answer(const FlowEntry& entry) noexcept {
    const auto* state = static_cast<const FlowState*>(entry.state);
    return static_cast<Admission::Answer>(state != nullptr ? static_cast<uint8_t>(state->live)
                                                           : entry.aside.live);
  }
  static void set_live_answer(FlowEntry& entry, Admission::Answer answer) noexcept {
    auto* state = static_cast<FlowState*>(entry.state);
    if (state != nullptr) {
      state->live = static_cast<uint16_t>(answer) & 3U;
    } else {
      entry.aside.live = static_cast<uint8_t>(answer) & 3U;
    }
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
