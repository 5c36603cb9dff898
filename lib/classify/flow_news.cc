#include "classify/flow_news.h"

#include <algorithm>

#include "mark/live_mark.h"

namespace flowmark {
namespace {

constexpr uint8_t kNoSlot = 0xff;
constexpr uint32_t kEntriesAhead = 32;  // that are being fetched

}  // namespace

FlowNews::FlowNews(FlowTable& table, FlowStates& states, FlowSink* sink)
    : table_(table), states_(states), sink_(sink) {}

// What was said about the mark before says nothing about another one.
void FlowNews::changed(FlowId id, uint8_t mark_before, TimeUs time_us) noexcept {
  if (sink_ == nullptr) return;
  FlowEntry& entry = table_[id];
  if (entry.mark != mark_before) set_live_answer(entry, Admission::Answer::measuring);
  tell_change(id, time_us);
}

void FlowNews::admission_changed(FlowId id, Admission::Answer answer, TimeUs time_us) noexcept {
  set_live_answer(table_[id], answer);
  tell_change(id, time_us);
}

void FlowNews::tell_change(FlowId id, TimeUs time_us) noexcept {
  FlowEntry& entry = table_[id];
  if (entry.state != nullptr) states_.count(entry);
  FlowEvent event = describe(id);
  event.kind = FlowEvent::Kind::changed;
  event.time_us = time_us;
  sink_->on_flow(event);
}

void FlowNews::removed(FlowId id, Removal reason) noexcept {
  FlowEntry& entry = table_[id];
  if (sink_ == nullptr || !has_class_or_mark(entry)) return;
  if (entry.state != nullptr) states_.count(entry);
  FlowEvent event = describe(id);
  event.time_us = table_.now_us();
  if (reason == Removal::memory) {
    event.class_index = kNoClass;  // its verdicts go with its state; its mark stays
    event.labels = 0;
    event.confidence = 0;
    event.knows_verdict = true;
    event.kind = FlowEvent::Kind::changed;
  } else {
    const bool is_closing = (entry.flags & kClosing) != 0;
    event.kind = FlowEvent::Kind::ended;
    event.end = reason == Removal::cleared   ? FlowEnd::stopped
                : reason == Removal::evicted ? FlowEnd::evicted
                : is_closing                 ? FlowEnd::closed
                                             : FlowEnd::idle;
  }
  sink_->on_flow(event);
}

// The numbers are those of the flow's last look: to count anew would touch five lines more a flow.
void FlowNews::refresh(uint32_t entries) noexcept {
  if (sink_ == nullptr || !sink_->has_much_room()) return;
  const FlowId end = table_.id_end();
  for (uint32_t i = 0; i < entries; ++i, hand_ = (hand_ + 1) & (end - 1)) {
    const FlowId ahead = (hand_ + kEntriesAhead) & (end - 1);
    if (table_.in_use(ahead)) __builtin_prefetch(&table_[ahead]);
    if (!table_.in_use(hand_) || !has_class_or_mark(table_[hand_])) continue;
    FlowEvent event = describe(hand_);
    event.kind = FlowEvent::Kind::refreshed;
    event.time_us = table_.now_us();
    sink_->on_flow(event);
  }
}

FlowEvent FlowNews::describe(FlowId id) const noexcept {
  const FlowEntry& entry = table_[id];
  FlowEvent event;
  event.key = entry.key.key();
  event.up_is_a = (entry.flags & kUpIsA) != 0;
  event.knows_numbers = entry.state != nullptr;
  describe_mark(entry, event);
  if ((entry.flags & kUnasked) != 0) {
    event.vlan = entry.unasked.vlan;
    event.began_down = entry.unasked.began_down != 0;
    return event;
  }
  event.knows_verdict = entry.state != nullptr && states_.is_current(*states_.find(id));
  if (entry.state == nullptr) return event;
  auto& state = *static_cast<FlowState*>(entry.state);
  event.start_us = state.start_us;
  event.last_us = state.last_us;
  event.bytes = state.bytes;
  event.packets = state.packets;
  event.vlan = state.vlan;
  event.began_down = state.began_down != 0;
  if (event.knows_verdict) describe_verdict(state, event);
  return event;
}

void FlowNews::describe_mark(const FlowEntry& entry, FlowEvent& event) const noexcept {
  if (entry.mark == kNoMark) return;
  const MarkNumbers::Entry& marks = set_->numbers()[entry.mark];
  event.mark = marks.to_wan;
  event.mark_to_lan = marks.to_lan;
  if (marks.live == LiveMark::none || set_->marking().mode == MarkMode::report) return;
  const Admission::Answer answer = live_answer(entry);
  event.live = answer == Admission::Answer::admitted  ? LiveState::admitted
               : answer == Admission::Answer::refused ? LiveState::refused
                                                      : LiveState::measuring;
  if (event.live == LiveState::admitted) return;
  const bool is_refused = event.live == LiveState::refused;
  const uint8_t instead = is_refused ? set_->marking().fallback.value_or(kNoMark) : kNoMark;
  for (uint8_t* mark : {&event.mark, &event.mark_to_lan}) {
    if (*mark != kNoMark && live_mark_of(*mark) != LiveMark::none) *mark = instead;
  }
}

bool FlowNews::has_class_or_mark(const FlowEntry& entry) const noexcept {
  if (writes_mark(entry.mark)) return true;
  return entry.state != nullptr && static_cast<const FlowState*>(entry.state)->has_verdict();
}

void FlowNews::describe_verdict(FlowState& state, FlowEvent& event) const noexcept {
  event.generation = static_cast<uint32_t>(states_.models()->generation());
  const uint8_t slot = speaking_slot(state);
  if (slot == kNoSlot) return;
  const StateLayout& layout = states_.layout();
  event.model = slot;
  event.class_index = layout.model(state, slot).verdict.class_index;
  event.labels = layout.is_multilabel(slot) ? layout.labels(state, slot) : 0;
  event.confidence = layout.votes(state, slot)[event.class_index];
}

uint8_t FlowNews::speaking_slot(FlowState& state) const noexcept {
  const StateLayout& layout = states_.layout();
  uint8_t speaks = kNoSlot;
  for (size_t slot = layout.slots.size(); slot-- > 0;) {
    if (layout.standing(state, slot) == 0) continue;
    if (states_.models()->models()[slot].marks) return static_cast<uint8_t>(slot);
    if (speaks == kNoSlot) speaks = static_cast<uint8_t>(slot);
  }
  return speaks;
}

}  // namespace flowmark
