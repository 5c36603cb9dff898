// The life of states: made, moved to other models, taken away.
#include "classify/flow_states.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flowmark {
namespace {

constexpr uint32_t kEntriesLookedAt = 64;  // for one that can make way
constexpr uint32_t kIdleMs = 1000;         // it does not before
constexpr uint32_t kLongestIdleMs = 1U << 31;

}  // namespace

FlowStates::FlowStates(const Options& options, FlowTable& table, FlowRemovalListener& listener,
                       WorkerCounters& counters)
    : table_(table),
      listener_(listener),
      counters_(counters),
      pool_(options.memory_bytes, options.prefault),
      at_once_(options.at_once),
      hosts_(options.hosts),
      layout_(nullptr, 1) {}

void FlowStates::use_models(PreparedModels& prepared) noexcept {
  models_are_new_ = true;
  const uint32_t epoch = layout_.epoch + 1;
  const bool asks_the_same =
      models_ != nullptr && prepared.models != nullptr && prepared.models->asks_as(*models_);
  std::swap(layout_, prepared.layout);
  layout_.epoch = epoch;
  layout_.same_since = asks_the_same ? prepared.layout.same_since : epoch;
  models_ = prepared.models;
  if (models_ == nullptr) return;
  take_over_plan(prepared.plans);
}

// `prepared` holds the new models' plan; afterwards it holds those that no flow needs. Flows that
// were begun under an earlier plan may be many and their plans too: none of them is looked at here.
void FlowStates::take_over_plan(std::list<HeldPlan>& prepared) noexcept {
  const bool is_the_same =
      !plans_.empty() && plans_.back().plan->specs() == models_->plan()->specs();
  if (!is_the_same) {
    prepared.back().epoch = plans_.empty() ? 1 : plans_.back().epoch + 1;
    if (!plans_.empty() && plans_.back().flows == 0) {
      idle_plans_.splice(idle_plans_.end(), plans_, std::prev(plans_.end()));
    }
    plans_.splice(plans_.end(), prepared);
  }
  prepared.splice(prepared.end(), idle_plans_);
}

FlowState* FlowStates::find(FlowId id, uint32_t serial) noexcept {
  FlowState* state = find(id);
  if (!table_.in_use(id) || state == nullptr || state->serial != serial) return nullptr;
  return state;
}

bool FlowStates::is_asked(FlowState& state, size_t slot) const noexcept {
  const auto& condition = models_->models()[slot].condition;
  if (!condition) return true;
  const uint32_t other = condition->model;
  const VerdictState& verdict = layout_.model(state, other).verdict;
  VerdictView view;
  view.has_answered = verdict.windows > 0;
  view.standing = layout_.standing(state, other);
  if (condition->has_confidence() && view.has_answered) {
    const std::span<const float> votes = layout_.votes(state, other);
    const uint8_t likeliest = best_class(votes);
    view.likeliest = uint32_t{1} << likeliest;
    view.confidence = votes[verdict.class_index != kNoClass ? verdict.class_index : likeliest];
    view.hysteresis = models_->models()[other].policy.hysteresis;
  }
  return condition->holds(view, layout_.model(state, slot).verdict.windows > 0);
}

bool FlowStates::would_refine(FlowState& state, size_t slot) const noexcept {
  if (layout_.model(state, slot).verdict.class_index != kNoClass) return true;
  const auto& condition = models_->models()[slot].condition;
  return condition && condition->has_confidence() && models_->same_task(slot, condition->model) &&
         layout_.standing(state, condition->model) != 0;
}

bool FlowStates::make_ready(FlowId id, PacketRecord packet, TimeUs time_us) noexcept {
  FlowEntry& entry = table_[id];
  if (entry.packets == 1 && entry.state == nullptr) entry.first = packet;  // also without models
  if (models_ == nullptr) {
    counters_.bypassed[static_cast<size_t>(Bypass::no_model)].add();
    return false;
  }
  if (entry.state != nullptr) {
    if (has_turn(entry)) {
      --adoptions_left_;
      adopt(id);
    }
    return true;
  }
  if (entry.packets == 1 && !at_once_) return false;
  const bool has_first = entry.packets == 2 && !at_once_;
  const PacketRecord first = has_first ? entry.first : packet;
  FlowState* state = start(first, time_us);
  if (state == nullptr && make_way(id)) state = start(first, time_us);
  if (state == nullptr) {
    counters_.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
    return false;
  }
  state->live = entry.aside.live;
  attach(entry, *state);
  if (has_first) {
    entry.append(first);
    state->packets[first.direction] = 1;
  }
  return true;
}

FlowState* FlowStates::start(const PacketRecord& first, TimeUs now_us) noexcept {
  FlowState* state = create_state(layout_, models_, pool_);
  if (state == nullptr) return nullptr;
  // The first record may be older than this packet; its 32 bits tell by how much. A clock that was
  // set back since stands still.
  const uint32_t gap_us = static_cast<uint32_t>(now_us) - first.time_us;
  state->start_us = now_us - (gap_us <= FlowWindows::kMaxGapUs ? gap_us : 0);
  state->last_us = state->start_us;
  state->serial = next_serial_++;
  state->plan = plans_.back().epoch;
  ++plans_.back().flows;
  return state;
}

// The flow is looked at with its next packet.
void FlowStates::attach(FlowEntry& entry, FlowState& state) const noexcept {
  entry.state = &state;
  entry.staging = {};
  entry.staging.epoch = static_cast<uint8_t>(layout_.epoch);
  look_soon(entry);
}

std::list<HeldPlan>::iterator FlowStates::held_plan(uint32_t epoch) noexcept {
  const auto last = std::prev(plans_.end());
  return last->epoch == epoch ? last : std::ranges::find(plans_, epoch, &HeldPlan::epoch);
}

// A flow holds the plan no longer. The present models' plan stays whoever holds it.
void FlowStates::let_go(std::list<HeldPlan>::iterator held) noexcept {
  if (--held->flows != 0 || held == std::prev(plans_.end())) return;
  idle_plans_.splice(idle_plans_.end(), plans_, held);
}

// The same models go on with what they know of the flow. Windows that waited for inference are due
// again: the queues were emptied.
void FlowStates::keep(FlowEntry& entry, FlowState& state) const noexcept {
  state.layout = layout_.epoch;
  entry.staging.epoch = static_cast<uint8_t>(layout_.epoch);
  for (size_t slot = 0; slot < layout_.slots.size(); ++slot) {
    ModelState& model = layout_.model(state, slot);
    for (size_t side = 0; side < 2; ++side) {
      if (!model.queued[side]) continue;
      model.queued[side] = false;
      model.due_packets[side] = 0;
      model.due_ms[side] = 0;
    }
  }
  look_soon(entry);
}

// Moves a flow that was begun under earlier models to the present ones. Under other models the mark
// stays until these have a verdict, and what the flow keeps of its windows depends on whether their
// form is the same.
void FlowStates::adopt(FlowId id) noexcept {
  FlowEntry& entry = table_[id];
  if (keeps_verdicts(*find(id))) {
    keep(entry, *find(id));
    return;
  }
  hand_on(id);
  FlowState* moved = create_state(layout_, models_, pool_);
  if (moved == nullptr) return;  // out of memory: stays as it is, the next packet tries again
  FlowState& old = *find(id);
  moved->windows = old.windows;
  moved->start_us = old.start_us;
  moved->last_us = old.last_us;
  moved->bytes = old.bytes;
  moved->packets = old.packets;
  moved->serial = old.serial;
  moved->vlan = old.vlan;
  moved->began_down = old.began_down;
  moved->group = old.group;
  moved->live = old.live;
  moved->plan = old.plan;
  pool_.release(&old, old.block_bytes);
  attach(entry, *moved);
  if (moved->plan == plans_.back().epoch) return;
  rebuild_windows(*moved, facts_of(entry.key.key()));
  adoptions_left_ = 0;  // it takes as long as several flows whose windows stay
}

void FlowStates::rebuild_windows(FlowState& state, const FlowFacts& facts) noexcept {
  const auto from = held_plan(state.plan);
  HeldPlan& to = plans_.back();
  if (state.windows != nullptr) {
    FlowWindows* fresh = FlowWindows::create(*to.plan, pool_, facts);
    if (fresh == nullptr) return;
    const auto [older, newer] = state.windows->records();
    for (const auto part : {older, newer}) (void)fresh->add(part, *to.plan, pool_);
    FlowWindows::destroy(state.windows, *from->plan, pool_);
    state.windows = fresh;
  }
  state.plan = to.epoch;
  ++to.flows;
  let_go(from);
}

void FlowStates::release(FlowEntry& entry) noexcept {
  auto& state = *static_cast<FlowState*>(entry.state);
  const auto held = held_plan(state.plan);
  FlowWindows::destroy(state.windows, *held->plan, pool_);
  let_go(held);
  entry.aside = {.live = static_cast<uint8_t>(state.live & 3U), .answers_first = 0};
  pool_.release(&state, state.block_bytes);
  entry.state = nullptr;
}

// Memory is short: an idle flow gives up its windows, with a final word on its verdicts; its mark
// stays.
bool FlowStates::make_way(FlowId keep) noexcept {
  const FlowId victim = find_idle(keep);
  if (victim == kNoFlow) return false;
  listener_.on_remove(victim, table_[victim], Removal::memory);
  counters_.windows_given_up.add();
  return true;
}

// Of the next flows with a state the one that holds it least and, of several, has been idle
// longest. Only flows idle for a while count, or busy ones would take turns in losing their
// windows.
FlowId FlowStates::find_idle(FlowId keep) noexcept {
  const auto now_ms = table_[keep].last_seen_ms;
  FlowId idlest = kNoFlow;
  Hold least = Hold::lasting;
  uint32_t longest_ms = kIdleMs;
  for (uint32_t i = 0; i < kEntriesLookedAt; ++i) {
    const FlowId id = table_.next_in_use(way_hand_);
    if (id == kNoFlow) {
      way_hand_ = (way_hand_ + FlowTable::kMostSkipped) % table_.id_end();
      break;
    }
    way_hand_ = id + 1;
    const FlowEntry& entry = table_[id];
    const uint32_t idle_ms = now_ms - entry.last_seen_ms;
    const Hold hold = hold_of(entry);
    if (id == keep || entry.state == nullptr || hold > least) continue;
    if (idle_ms < (hold < least ? kIdleMs : longest_ms)) continue;
    if (idle_ms > kLongestIdleMs) continue;  // seen after `keep`
    least = hold;
    longest_ms = idle_ms;
    idlest = id;
  }
  return idlest;
}

}  // namespace flowmark
