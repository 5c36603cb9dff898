// Due windows: read by their model, voted on, settled into verdicts and marks.
#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "classify/classifier_impl.h"

namespace flowmark {
namespace {

/// Pieces between two looks at the clock: half a microsecond or so.
constexpr uint32_t kWorkPerLook = 512;
constexpr uint32_t kPixelsPerLook = 128;
constexpr uint32_t kPacketsPerLook = 32;
/// Towards its end a slice looks at the clock this much more often.
constexpr uint64_t kFinelyNs = 2000;
constexpr uint32_t kFiner = 4;
/// A slice this much over its budget is counted.
constexpr uint64_t kOverrunNs = 2000;

uint64_t now_ns() noexcept {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace

bool Classifier::Impl::infer(uint64_t budget_ns) noexcept {
  if (!busy && !preparing && due.size() == 0) return false;
  counters.inference_slices.add();
  const uint64_t start = now_ns();
  uint64_t spent = 0;
  do {
    bool done = false;
    const bool infers = busy && !reading;
    if (busy) {
      done = step(spent + kFinelyNs > budget_ns);
    } else if (preparing) {
      prepare();
    } else {
      take_next();
    }
    const uint64_t before = std::exchange(spent, now_ns() - start);
    active_ns += spent - before;
    if (infers) remember_step(spent - before);
    if (done) finish_window();
    // A flow whose turn comes is cold, and its window is copied in one piece: not at a slice's end.
    if (!busy && spent >= budget_ns / 2) break;
    if (spent >= budget_ns || (busy && !reading && is_too_long(budget_ns - spent))) break;
  } while (busy || preparing || due.size() > 0);
  if (spent > budget_ns && spent - budget_ns > kOverrunNs) counters.inference_slices_over.add();
  return busy || preparing || due.size() > 0;
}

// The steps of a model differ: a large forest is slow where its nodes are cold. The longest one is
// remembered and slowly forgotten.
void Classifier::Impl::remember_step(uint64_t ns) noexcept {
  uint64_t& longest = longest_step_ns[active.model];
  longest = std::max(ns, longest - longest / 16);
}

// Whether the active model's next step had better not begin with so many nanoseconds left.
bool Classifier::Impl::is_too_long(uint64_t left_ns) const noexcept {
  const uint64_t step_ns = longest_step_ns[active.model];
  return step_ns > left_ns && step_ns - left_ns > kOverrunNs / 2;
}

// A piece of the active window: of reading it out, then of its inference. True when that is done.
bool Classifier::Impl::step(bool finely) noexcept {
  const uint32_t parts = finely ? kFiner : 1;
  const Model& model = *models->models()[active.model].model;
  if (!reading) return model.engine->step(*scratch[active.model], kWorkPerLook / parts);
  reading = !reader.step(kPixelsPerLook / parts, window);
  if (!reading) model.engine->begin(*scratch[active.model], window);
  return false;
}

// The flow of the window at work, if it still lives.
FlowState* Classifier::Impl::active_state() noexcept {
  auto* state = static_cast<FlowState*>(table[active.flow].state);
  if (!table.in_use(active.flow) || state == nullptr || state->serial != active.serial) {
    return nullptr;
  }
  return state;
}

// Takes the oldest due window.
void Classifier::Impl::take_next() noexcept {
  if (!due.pop(active)) return;
  ladder.update(due.size());
  prefetch_due();
  FlowState* state = active_state();
  if (state == nullptr) return;
  layout.model(*state, active.model).due[active.direction].queued = false;
  look_again(table[active.flow]);
  // Even when nothing more is queued, what is queued already is served.
  if (leave_out(*state, active.model, std::min(ladder.step(), LadderStep::cheapest))) return;
  hand_on(active.flow, *state);
  preparing = state->windows != nullptr;
  if (preparing) undrawn = state->windows->behind();
  active_ns = 0;
}

// Gives the flow's pictures what they lack, some packets at a time, then begins with the window.
void Classifier::Impl::prepare() noexcept {
  FlowState* state = active_state();
  preparing = state != nullptr && state->windows != nullptr;
  if (!preparing) return;
  const WindowPlan& plan = *plans.back().plan;
  if (undrawn > 0) {
    const uint32_t some = std::min(undrawn, kPacketsPerLook);
    count_result(active.flow, state->windows->catch_up(plan, pool, some));
    undrawn -= some;
    return;
  }
  preparing = false;
  const ActiveModel& model = models->models()[active.model];
  const uint32_t packets = state->windows->begin_read(
      models->spec_of(active.model), static_cast<Direction>(active.direction), plan, reader);
  // Pictures may have thinned out since, e.g. after a pause.
  if (packets < std::min(model.policy.min_packets, state->total_packets())) return;
  active_provisional = is_provisional(*state, active);
  busy = true;
  reading = true;
}

// The flows whose turn comes next were not touched for a while: fetched while this one is read.
void Classifier::Impl::prefetch_due() const noexcept {
  if (const DueItem* second = due.peek(1)) __builtin_prefetch(&table[second->flow]);
  const DueItem* first = due.peek(0);
  if (first == nullptr) return;
  const auto* state = static_cast<const FlowState*>(table[first->flow].state);
  __builtin_prefetch(state);
}

void Classifier::Impl::enqueue(const DueItem& item, FlowState& state, Due& due_state) noexcept {
  if (leave_out(state, item.model, ladder.step())) return;
  due_state.queued = due.push(item);
  if (ladder.update(due.size())) counters.ladder_entered[static_cast<size_t>(ladder.step())].add();
}

// Whether this step of the ladder spares the window; counted if so.
bool Classifier::Impl::leave_out(FlowState& state, uint8_t slot, LadderStep step) noexcept {
  LadderStep by = LadderStep::all;
  if (step == LadderStep::all) return false;
  if (layout.model(state, slot).verdict.class_index != kNoClass) {
    by = LadderStep::no_refinement;
  } else if (step >= LadderStep::cheapest && has_cheaper(state, slot)) {
    by = LadderStep::cheapest;
  } else if (step == LadderStep::keep_marks) {
    by = LadderStep::keep_marks;
  } else {
    return false;
  }
  counters.left_out[static_cast<size_t>(by)].add();
  return true;
}

// Whether another model that is asked on this flow does the same task at a lower measured cost.
bool Classifier::Impl::has_cheaper(FlowState& state, uint8_t slot) const noexcept {
  for (size_t other = 0; other < layout.slots.size(); ++other) {
    if (other == slot || cost_ns[other] == 0 || cost_ns[other] >= cost_ns[slot]) continue;
    if (models->same_task(other, slot) && wanted(state, other)) return true;
  }
  return false;
}

bool Classifier::Impl::is_provisional(const FlowState& state, const DueItem& item) const noexcept {
  const FeatureSpec& spec = models->models()[item.model].model->input;
  return !spec.is_full(item.time_us - state.start_us, state.total_packets());
}

void Classifier::Impl::finish_window() noexcept {
  busy = false;
  const uint8_t slot = active.model;
  ModelCounters& model_counters = counters.models[slot];
  model_counters.inferences.add();
  model_counters.inference_ns.observe(active_ns);
  cost_ns[slot] = cost_ns[slot] == 0 ? active_ns : (7 * cost_ns[slot] + active_ns) / 8;
  FlowState* state = active_state();
  if (state == nullptr) return;

  const ActiveModel& model = models->models()[slot];
  VerdictState& verdict = layout.model(*state, slot).verdict;
  const bool was_settled = verdict.settled;
  const uint32_t before = layout.standing(*state, slot);
  count_standing(table[active.flow], slot, -1);
  const auto answer = model.model->engine->probabilities(*scratch[slot]);
  const std::span<float> voted = layout.votes(*state, slot);
  const VerdictChange change =
      layout.is_multilabel(slot)
          ? vote_labels(verdict, layout.labels(*state, slot), voted, answer, active_provisional,
                        model.label_thresholds, model.policy)
          : vote(verdict, voted, answer, active_provisional, model.policy);
  count_standing(table[active.flow], slot, +1);
  if (change == VerdictChange::none && verdict.class_index == kNoClass) {
    model_counters.abstentions.add();
  }
  const bool settled_now = verdict.settled && !was_settled && verdict.class_index != kNoClass;
  if (change != VerdictChange::none || settled_now) {
    settle(active.flow, *state, slot, change, before, active_provisional, active.time_us);
  }
}

// A verdict was given, changed or withdrawn, or rests on a full window for the first time.
// `before`: the classes that stood.
void Classifier::Impl::settle(FlowId id, FlowState& state, uint8_t slot, VerdictChange change,
                              uint32_t before, bool provisional, TimeUs now_us) noexcept {
  ModelCounters& model_counters = counters.models[slot];
  if (change == VerdictChange::abstained) model_counters.abstentions.add();
  if (change == VerdictChange::changed) model_counters.changes.add();
  if (change == VerdictChange::given || change == VerdictChange::changed) {
    for (uint32_t fresh = layout.standing(state, slot) & ~before; fresh != 0; fresh &= fresh - 1) {
      const auto c = static_cast<size_t>(std::countr_zero(fresh));
      model_counters.verdicts[c].add();
      const float confidence = layout.votes(state, slot)[c];
      model_counters.confidence_permille.observe(static_cast<uint64_t>(confidence * 1000));
    }
    if (provisional) model_counters.provisional.add();
  }
  if (change == VerdictChange::given && now_us >= state.start_us) {
    model_counters.time_to_verdict_ms.observe(
        static_cast<uint64_t>((now_us - state.start_us) / kUsPerMs));
  }
  if (change != VerdictChange::none) {
    withdraw_dependents(table[id], slot);
    table[id].mark = mark_of(state);
  }
  VerdictEvent event;
  event.time_us = now_us;
  event.provisional = provisional;
  event.changed = change == VerdictChange::changed;
  emit(id, state, slot, event);
}

// Models that are only asked under a verdict of this one lose theirs when it no longer holds.
void Classifier::Impl::withdraw_dependents(FlowEntry& entry, uint8_t slot) noexcept {
  auto& state = *static_cast<FlowState*>(entry.state);
  for (size_t other = slot + 1U; other < layout.slots.size(); ++other) {
    const auto& condition = models->models()[other].condition;
    if (!condition || condition->model != slot || wanted(state, other)) continue;
    count_standing(entry, other, -1);
    layout.model(state, other).verdict = VerdictState{};
    if (layout.is_multilabel(other)) layout.labels(state, other) = 0;
    std::ranges::fill(layout.votes(state, other), 0.0F);
  }
}

bool Classifier::Impl::wanted(FlowState& state, size_t slot) const noexcept {
  const auto& condition = models->models()[slot].condition;
  if (!condition) return true;
  return (condition->class_mask & layout.standing(state, condition->model)) != 0;
}

uint8_t Classifier::Impl::mark_of(FlowState& state) const noexcept {
  for (size_t slot = layout.slots.size(); slot-- > 0;) {
    const ActiveModel& model = models->models()[slot];
    uint32_t standing = layout.standing(state, slot);
    if (!model.marks || standing == 0) continue;
    // Of several kinds in one tunnel the most demanding one decides for all its packets.
    std::optional<Dscp> mark;
    for (; standing != 0; standing &= standing - 1) {
      const auto& dscp = model.class_dscp[static_cast<size_t>(std::countr_zero(standing))];
      if (dscp && (!mark || precedes(*dscp, *mark))) mark = dscp;
    }
    return mark.value_or(kNoMark);
  }
  return kNoMark;
}

// Fills in what every event says of the flow.
void Classifier::Impl::emit(FlowId id, FlowState& state, uint8_t slot,
                            VerdictEvent event) noexcept {
  if (sink == nullptr) return;
  const FlowEntry& entry = table[id];
  const VerdictState& verdict = layout.model(state, slot).verdict;
  const std::span<const float> votes = layout.votes(state, slot);
  event.key = entry.key.key();
  event.flow_start_us = state.start_us;
  event.packets = state.total_packets();
  event.bytes = state.bytes;
  event.generation = static_cast<uint32_t>(models->generation());
  event.model = slot;
  event.class_index = verdict.class_index;
  event.labels = layout.is_multilabel(slot) ? layout.labels(state, slot) : 0;
  event.mark = entry.mark;
  event.up_is_a = (entry.flags & kUpIsA) != 0;
  event.confidence =
      votes[verdict.class_index != kNoClass ? verdict.class_index : best_class(votes)];
  sink->on_verdict(event);
}

}  // namespace flowmark
