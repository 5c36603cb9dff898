#include "classify/verdicts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace flowmark {
namespace {

constexpr std::array<float, kMaxClasses> kNoVotes{};

}  // namespace

Verdicts::Verdicts(FlowTable& table, FlowStates& states, FlowNews& news, WorkerCounters& counters,
                   VerdictSink* sink)
    : table_(table), states_(states), news_(news), counters_(counters), sink_(sink) {}

// A slot's counters go on when it keeps its name and classes, so that a retrained model does not
// break the graphs; they stay readable after the last models are gone. Flows carry no verdict of
// the new set yet.
void Verdicts::use_models(PreparedModels& prepared) noexcept {
  for (ModelCounters& model : counters_.models) {
    for (Counter& flows : model.flows_now) {
      if (flows.get() != 0) flows.set(0);  // writing costs: other cores read the counters
    }
  }
  if (prepared.models == nullptr) return;
  std::swap(owners_, prepared.owners);
  const std::vector<std::string>& before = prepared.owners;
  for (size_t slot = 0; slot < kMaxModels; ++slot) {
    const bool unused = slot >= owners_.size() && slot >= before.size();
    const bool same =
        slot < owners_.size() && slot < before.size() && owners_[slot] == before[slot];
    if (!unused && !same) counters_.models[slot].reset();
  }
}

void Verdicts::add(FlowId id, const Answer& answer) noexcept {
  const uint8_t slot = answer.model;
  if (!is_finite(answer.probabilities)) {
    counters_.models[slot].not_finite.add();
    return;
  }
  if (answer.unfamiliar) counters_.models[slot].unfamiliar.add();
  FlowState& state = *states_.find(id);
  const VerdictState& verdict = states_.layout().model(state, slot).verdict;
  const bool was_settled = verdict.settled;
  const uint32_t before = states_.layout().standing(state, slot);
  count_standing(table_[id], slot, -1);
  const VerdictChange change = vote_on(state, answer);
  count_standing(table_[id], slot, +1);
  if (change == VerdictChange::none && verdict.class_index == kNoClass) {
    counters_.models[slot].abstentions.add();
  }
  const bool settled_now = verdict.settled && !was_settled && verdict.class_index != kNoClass;
  const uint32_t withdrawn = withdraw_dependents(table_[id]);
  count_change(state, answer, change, before);
  if (change != VerdictChange::none || withdrawn != 0) renew_mark(id, answer.time_us);
  if (change != VerdictChange::none || settled_now) tell_answer(id, answer, change);
  tell_withdrawn(id, answer, withdrawn);
}

VerdictChange Verdicts::vote_on(FlowState& state, const Answer& answer) noexcept {
  const StateLayout& layout = states_.layout();
  const uint8_t slot = answer.model;
  const ActiveModel& model = states_.models()->models()[slot];
  VerdictState& verdict = layout.model(state, slot).verdict;
  const std::span<float> voted = layout.votes(state, slot);
  VerdictPolicy policy = model.policy;
  std::span<const float> thresholds = model.label_thresholds;
  std::array<float, kMaxClasses> all_alike;
  if (const auto& confidence = states_.models()->effect_of(state.policy).confidence) {
    policy.confidence = *confidence;
    all_alike.fill(*confidence);
    thresholds = std::span(all_alike).first(voted.size());
  }
  if (!layout.is_multilabel(slot)) {
    const std::span<const float> window =
        answer.unfamiliar ? std::span(kNoVotes).first(voted.size()) : answer.probabilities;
    return vote(verdict, voted, window, answer.provisional, policy);
  }
  return vote_labels(verdict, layout.labels(state, slot), voted, answer.probabilities,
                     answer.provisional, thresholds, policy);
}

void Verdicts::renew_mark(FlowId id, TimeUs time_us) noexcept {
  const uint8_t mark_before = table_[id].mark;
  set_mark(table_[id]);
  news_.changed(id, mark_before, time_us);
}

// A verdict was given, changed or withdrawn, or rests on a full window for the first time.
void Verdicts::tell_answer(FlowId id, const Answer& answer, VerdictChange change) noexcept {
  VerdictEvent event;
  event.time_us = answer.time_us;
  event.provisional = answer.provisional;
  event.changed = change == VerdictChange::changed;
  tell(id, answer.model, event);
}

void Verdicts::tell_withdrawn(FlowId id, const Answer& answer, uint32_t slots) noexcept {
  for (; slots != 0; slots &= slots - 1) {
    VerdictEvent event;
    event.time_us = answer.time_us;
    event.provisional = answer.provisional;
    tell(id, static_cast<uint8_t>(std::countr_zero(slots)), event);
  }
}

// `before`: the classes that stood.
void Verdicts::count_change(FlowState& state, const Answer& answer, VerdictChange change,
                            uint32_t before) noexcept {
  const StateLayout& layout = states_.layout();
  ModelCounters& of_model = counters_.models[answer.model];
  if (change == VerdictChange::abstained) of_model.abstentions.add();
  if (change == VerdictChange::changed) of_model.changes.add();
  if (change != VerdictChange::given && change != VerdictChange::changed) return;
  uint32_t fresh = layout.standing(state, answer.model) & ~before;
  for (; fresh != 0; fresh &= fresh - 1) {
    const auto c = static_cast<size_t>(std::countr_zero(fresh));
    of_model.verdicts[c].add();
    const float confidence = layout.votes(state, answer.model)[c];
    of_model.confidence_permille.observe(static_cast<uint64_t>(confidence * 1000));
  }
  if (answer.provisional) of_model.provisional.add();
  if (change == VerdictChange::given && answer.time_us >= state.start_us) {
    of_model.time_to_verdict_ms.observe(
        static_cast<uint64_t>((answer.time_us - state.start_us) / kUsPerMs));
  }
}

// A model that is no longer asked about the flow loses its verdict and forgets its answers: nothing
// would refresh them. In the order of the slots, because a condition may rest on a verdict that
// goes here. Returns the slots whose verdict goes without the answer having said so: where a
// confidence ends it, and not only a class, which the line of the other model's verdict tells.
uint32_t Verdicts::withdraw_dependents(FlowEntry& entry) noexcept {
  static_assert(kMaxModels <= 32);
  const StateLayout& layout = states_.layout();
  auto& state = *static_cast<FlowState*>(entry.state);
  uint32_t untold = 0;
  for (size_t slot = 1; slot < layout.slots.size(); ++slot) {
    const auto& condition = states_.models()->models()[slot].condition;
    VerdictState& verdict = layout.model(state, slot).verdict;
    if (!condition || verdict.windows == 0 || states_.is_asked(state, slot)) continue;
    if (condition->has_confidence() && layout.standing(state, slot) != 0) untold |= 1U << slot;
    count_standing(entry, slot, -1);
    verdict = VerdictState{};
    if (layout.is_multilabel(slot)) layout.labels(state, slot) = 0;
    std::ranges::fill(layout.votes(state, slot), 0.0F);
  }
  return untold;
}

// Before a verdict changes (-1) and after it has (+1).
void Verdicts::count_standing(FlowEntry& entry, size_t slot, int step) noexcept {
  const StateLayout& layout = states_.layout();
  FlowState& state = states_.count(entry);  // its packets came under the verdict that was
  uint32_t standing = layout.standing(state, slot);
  const uint8_t c = layout.is_multilabel(slot) && standing != 0
                        ? kSetOfClasses
                        : layout.model(state, slot).verdict.class_index;
  state.standing[slot] = step > 0 ? c : kNoClass;
  look_soon(entry);  // other models may wait for this one's verdict
  for (; standing != 0; standing &= standing - 1) {
    const auto label = static_cast<size_t>(std::countr_zero(standing));
    counters_.models[slot].flows_now[label].add(static_cast<uint64_t>(static_cast<int64_t>(step)));
  }
}

// What a policy has fixed stays.
void Verdicts::set_mark(FlowEntry& entry) noexcept {
  if ((entry.flags & kFixedMark) == 0) entry.mark = mark_of(*static_cast<FlowState*>(entry.state));
}

uint8_t Verdicts::mark_of(FlowState& state) const noexcept {
  const StateLayout& layout = states_.layout();
  const size_t map = states_.models()->effect_of(state.policy).map;
  for (size_t slot = layout.slots.size(); slot-- > 0;) {
    const ActiveModel& model = states_.models()->models()[slot];
    uint32_t standing = layout.standing(state, slot);
    if (!model.marks || standing == 0) continue;
    // Of several kinds in one tunnel the most demanding one decides for all its packets.
    const MarkNumbers& numbers = states_.models()->numbers();
    uint8_t mark = MarkNumbers::kKeep;
    for (; standing != 0; standing &= standing - 1) {
      const uint8_t other =
          states_.models()->mark_of(map, slot, static_cast<size_t>(std::countr_zero(standing)));
      if (numbers.precedes(other, mark)) mark = other;
    }
    return mark;
  }
  return kNoMark;
}

void Verdicts::take_over(FlowId id, uint8_t mark_before) noexcept {
  FlowEntry& entry = table_[id];
  FlowState& state = *states_.find(id);
  for (uint8_t slot = 0; slot < states_.layout().slots.size(); ++slot) {
    count_standing(entry, slot, +1);
  }
  if (state.has_verdict()) set_mark(entry);
  if (entry.mark == mark_before) return;
  for (uint8_t slot = 0; slot < states_.layout().slots.size(); ++slot) {
    const VerdictState& verdict = states_.layout().model(state, slot).verdict;
    if (verdict.class_index == kNoClass) continue;
    VerdictEvent event;
    event.time_us = state.last_us;
    event.provisional = !verdict.settled;
    tell(id, slot, event);
  }
}

void Verdicts::end(FlowId id) noexcept {
  const StateLayout& layout = states_.layout();
  FlowState& state = states_.count(table_[id]);
  if (!states_.is_current(state)) return;
  for (uint8_t slot = 0; slot < layout.slots.size(); ++slot) {
    const VerdictState& verdict = layout.model(state, slot).verdict;
    if (verdict.windows == 0) continue;
    VerdictEvent event;
    event.time_us = state.last_us;
    event.final = true;
    event.provisional = !verdict.settled;
    tell(id, slot, event);
    count_standing(table_[id], slot, -1);
  }
}

// Fills in what every event says of the flow.
void Verdicts::tell(FlowId id, uint8_t slot, VerdictEvent event) noexcept {
  if (sink_ == nullptr) return;
  const StateLayout& layout = states_.layout();
  const FlowEntry& entry = table_[id];
  FlowState& state = *states_.find(id);
  const VerdictState& verdict = layout.model(state, slot).verdict;
  const std::span<const float> votes = layout.votes(state, slot);
  event.key = entry.key.key();
  event.flow_start_us = state.start_us;
  event.packets = state.total_packets();
  event.bytes = state.total_bytes();
  event.generation = static_cast<uint32_t>(states_.models()->generation());
  event.model = slot;
  event.class_index = verdict.class_index;
  event.labels = layout.is_multilabel(slot) ? layout.labels(state, slot) : 0;
  const MarkNumbers::Entry& mark = states_.models()->numbers()[entry.mark];
  event.mark = mark.to_wan;
  event.mark_to_lan = mark.to_lan;
  event.up_is_a = (entry.flags & kUpIsA) != 0;
  event.confidence =
      votes[verdict.class_index != kNoClass ? verdict.class_index : best_class(votes)];
  sink_->on_verdict(event);
}

}  // namespace flowmark
