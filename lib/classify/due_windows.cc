#include "classify/due_windows.h"

#include <algorithm>
#include <cstddef>

namespace flowmark {
namespace {

/// The latest look, 12 days ahead: on the table's clock of 32 bits later ones would seem past.
constexpr uint32_t kFarMs = 1U << 30;

/// Of packets until the next look: it may come early, not late.
uint8_t as_count(uint32_t packets) noexcept {
  return static_cast<uint8_t>(std::clamp(packets, 1U, 255U));
}

}  // namespace

DueWindows::DueWindows(uint32_t capacity, FlowTable& table, FlowStates& states,
                       WorkerCounters& counters)
    : table_(table),
      states_(states),
      counters_(counters),
      urgent_(capacity),
      others_(capacity),
      ladder_(others_.capacity()),
      urgent_ladder_(urgent_.capacity()) {}

void DueWindows::use_models() noexcept {
  urgent_.clear();
  others_.clear();
  update_ladders();
  cost_ns_ = {};
}

void DueWindows::prefetch_look(const FlowEntry& entry, Direction direction) const noexcept {
  if (entry.state == nullptr) return;
  const Staging& staging = entry.staging;
  if (staging.left[static_cast<size_t>(direction)] != 1 && entry.left != 1 && !is_late(staging) &&
      staging.count + 1U != FlowState::kStaged) {
    return;
  }
  const auto* block = static_cast<const std::byte*>(entry.state);
  for (size_t at = offsetof(FlowState, windows); at < states_.layout().bytes; at += 64) {
    __builtin_prefetch(block + at, 1);
  }
}

void DueWindows::look(FlowId id, Direction direction, TimeUs now_us) noexcept {
  FlowEntry& entry = table_[id];
  FlowState& state = *states_.find(id);
  state.count_packets(entry.staging);
  NextLook next;
  if (states_.can_be_read(state)) {
    const NewPacket packet{id, direction, now_us, AskSchedule::age_ms(state.start_us, now_us)};
    const auto& models = states_.models()->models();
    for (uint8_t slot = 0; slot < models.size(); ++slot) {
      if (!states_.is_asked(state, slot)) continue;  // when that changes the flow is looked at
      look_at(state, {slot, 0}, packet, next);
      if (models[slot].model->input.has_directions()) look_at(state, {slot, 1}, packet, next);
    }
  }
  look_next(entry, state, next, now_us);
  // The entry's eight bits come round after 256 changes of models.
  if (!states_.is_current(state)) states_.mark_outdated(entry);
}

// One window of a flow: queued if it is due and the packet is one of its own.
void DueWindows::look_at(FlowState& state, WindowName name, const NewPacket& packet,
                         NextLook& look) noexcept {
  const auto [slot, side] = name;
  ModelState& next = states_.layout().model(state, slot);
  if (next.queued[side]) return;  // the flow is looked at again when it is read
  const ActiveModel& model = states_.models()->models()[slot];
  const bool has_sides = model.model->input.has_directions();
  const uint32_t packets = has_sides ? state.packets[side] : state.total_packets();
  AskSchedule schedule = next.schedule(side);
  bool enough = schedule.has_packets(packets), late = schedule.has_age(packet.age_ms);
  if ((!has_sides || static_cast<Direction>(side) == packet.direction) &&
      schedule.is_due(packets, packet.age_ms)) {
    schedule.ask(packets, packet.age_ms, model.policy);
    next.set_schedule(side, schedule);
    next.queued[side] = enqueue({packet.flow, state.serial, slot, side, 0, packet.time_us}, state);
    if (next.queued[side]) return;
    enough = late = false;
  }
  if (!late && (schedule.asked || enough)) {
    look.time_us = std::min(look.time_us, state.start_us + schedule.due_ms * kUsPerMs);
  }
  if (enough && !late && !schedule.asked) return;
  const bool at_next = schedule.asked ? enough || late : enough && late;
  const uint32_t missing =
      at_next ? 1 : schedule.due_packets - std::min(packets, schedule.due_packets);
  uint32_t& until = has_sides ? look.packets[side] : look.together;
  until = std::min(until, missing);
}

void DueWindows::look_next(FlowEntry& entry, FlowState& state, const NextLook& look,
                           TimeUs now_us) noexcept {
  Staging& staging = entry.staging;
  for (size_t side = 0; side < 2; ++side) {
    state.left[side] = staging.left[side] = as_count(look.packets[side]);
  }
  entry.left = as_count(look.together);
  const bool is_far = look.time_us >= now_us + TimeUs{kFarMs} * kUsPerMs;
  staging.look_ms = is_far ? table_.now_ms() + kFarMs : table_.to_ms(look.time_us);
}

bool DueWindows::take(DueItem& item) noexcept {
  DueQueue& from = next_queue();
  const OverloadLadder& ladder = &from == &urgent_ ? urgent_ladder_ : ladder_;
  if (!from.pop(item)) return false;
  update_ladders();
  prefetch_next();
  FlowState* state = states_.find(item.flow, item.serial);
  if (state == nullptr) return false;
  states_.layout().model(*state, item.model).queued[item.direction] = false;
  look_soon(table_[item.flow]);
  if (!states_.is_asked(*state, item.model)) return false;  // no longer
  // Even when nothing more is queued, what is queued already is served.
  return !leave_out(*state, item.model, std::min(ladder.step(), LadderStep::cheapest));
}

// In the order they became due, unless there is too much to do.
DueQueue& DueWindows::next_queue() noexcept {
  const DueItem* const urgent = urgent_.peek(0);
  const DueItem* const other = others_.peek(0);
  if (urgent == nullptr || other == nullptr) return urgent != nullptr ? urgent_ : others_;
  const bool is_older = static_cast<int32_t>(urgent->ticket - other->ticket) < 0;
  return is_older || ladder_.step() != LadderStep::all ? urgent_ : others_;
}

void DueWindows::update_ladders() noexcept {
  urgent_ladder_.update(urgent_.size());
  if (!ladder_.update(size())) return;
  counters_.ladder_entered[static_cast<size_t>(ladder_.step())].add();
}

// The flows whose turn comes next were not touched for a while: fetched while this one is read.
void DueWindows::prefetch_next() noexcept {
  const DueQueue& next = next_queue();
  if (const DueItem* second = next.peek(1)) __builtin_prefetch(&table_[second->flow]);
  if (const DueItem* first = next.peek(0)) __builtin_prefetch(table_[first->flow].state);
}

bool DueWindows::is_urgent(FlowId id, FlowState& state, uint8_t slot) const noexcept {
  return hold_of(table_[id]) >= Hold::answered && !states_.would_refine(state, slot);
}

bool DueWindows::enqueue(DueItem item, FlowState& state) noexcept {
  const bool urgent = is_urgent(item.flow, state, item.model);
  const OverloadLadder& ladder = urgent ? urgent_ladder_ : ladder_;
  if (leave_out(state, item.model, ladder.step())) return false;
  item.ticket = next_ticket_++;
  const bool queued = (urgent ? urgent_ : others_).push(item);
  update_ladders();
  return queued;
}

// Whether this step of the ladder spares the window; counted if so.
bool DueWindows::leave_out(FlowState& state, uint8_t slot, LadderStep step) noexcept {
  LadderStep by = LadderStep::all;
  if (step == LadderStep::all) return false;
  if (states_.would_refine(state, slot)) {
    by = LadderStep::no_refinement;
  } else if (step >= LadderStep::cheapest && has_cheaper(state, slot)) {
    by = LadderStep::cheapest;
  } else if (step == LadderStep::keep_marks) {
    by = LadderStep::keep_marks;
  } else {
    return false;
  }
  counters_.left_out[static_cast<size_t>(by)].add();
  return true;
}

// Whether another model that is asked on this flow does the same task at a lower measured cost.
bool DueWindows::has_cheaper(FlowState& state, uint8_t slot) const noexcept {
  const ModelSet& models = *states_.models();
  for (size_t other = 0; other < models.models().size(); ++other) {
    if (other == slot || cost_ns_[other] == 0 || cost_ns_[other] >= cost_ns_[slot]) continue;
    if (models.same_task(other, slot) && states_.is_asked(state, other)) return true;
  }
  return false;
}

// Slowly: single inferences are disturbed by others on the machine.
void DueWindows::learn_cost(size_t slot, uint64_t ns) noexcept {
  cost_ns_[slot] = cost_ns_[slot] == 0 ? ns : (7 * cost_ns_[slot] + ns) / 8;
}

}  // namespace flowmark
