#include "classify/classifier.h"

#include <algorithm>
#include <bit>

#include "classify/classifier_impl.h"

namespace flowmark {

Classifier::Impl::Impl(const ClassifierOptions& classifier_options, WorkerCounters& worker_counters,
                       VerdictSink* verdict_sink, FlowRemovalListener& listener)
    : options(classifier_options),
      counters(worker_counters),
      sink(verdict_sink),
      table(classifier_options.table, listener),
      pool(classifier_options.window_memory_bytes, classifier_options.prefault),
      fragments(classifier_options.table.secret),
      ef_guard(classifier_options.ef_share_max >= 1.0
                   ? 0
                   : static_cast<uint64_t>(
                         classifier_options.ef_share_max *
                         static_cast<double>(classifier_options.link_bits_per_second) / 8)),
      layout(nullptr, 1),
      expire_per_us(static_cast<double>(table.id_end()) / static_cast<double>(kUsPerSecond)),
      due(classifier_options.due_capacity),
      ladder(due.capacity()) {}

void Classifier::Impl::use_models(const ModelSet* set) {
  std::vector<std::unique_ptr<EngineScratch>> new_scratch;
  if (set != nullptr) {
    for (const ActiveModel& active_model : set->models()) {
      new_scratch.push_back(active_model.model->engine->make_scratch());
    }
    std::erase_if(plans, [](const HeldPlan& held) { return held.flows == 0; });
    const bool same = !plans.empty() && plans.back().plan->specs() == set->plan()->specs();
    if (!same) {
      const uint32_t epoch = plans.empty() ? 1 : plans.back().epoch + 1;
      plans.push_back({epoch, 0, set->plan()});
    }
    window.reserve(plans.back().plan->max_values());
    reader = WindowReader(*plans.back().plan);
  }
  restart_counters(set);
  busy = preparing = false;
  due.clear();
  ladder.update(0);
  cost_ns = longest_step_ns = {};
  scratch = std::move(new_scratch);
  models = set;
  layout = StateLayout(set, layout.epoch + 1);
}

// A slot's counters go on when it keeps its name and classes, so that a retrained model does not
// break the graphs; they stay readable after the last models are gone. Flows carry no verdict of
// the new set yet.
void Classifier::Impl::restart_counters(const ModelSet* set) {
  for (ModelCounters& model : counters.models) {
    for (Counter& flows : model.flows_now) flows.set(0);
  }
  if (set == nullptr) return;
  std::vector<SlotOwner> owners;
  for (const ActiveModel& active_model : set->models()) {
    owners.push_back({active_model.name, active_model.model->classes});
  }
  for (size_t slot = 0; slot < kMaxModels; ++slot) {
    const bool same =
        slot < owners.size() && slot < slot_owners.size() && owners[slot] == slot_owners[slot];
    if (!same) counters.models[slot].reset();
  }
  slot_owners = std::move(owners);
}

Classifier::Impl::HeldPlan& Classifier::Impl::held_plan(uint32_t epoch) noexcept {
  return *std::ranges::find(plans, epoch, &HeldPlan::epoch);
}

const WindowPlan& Classifier::Impl::plan_of(const FlowState& state) noexcept {
  if (state.plan == plans.back().epoch) return *plans.back().plan;
  return *held_plan(state.plan).plan;
}

// Moves a flow that was begun under earlier models to the present ones. The mark stays until the
// new models have a verdict. What it keeps of its windows depends on whether their form is the
// same.
void Classifier::Impl::adopt(FlowId id) noexcept {
  FlowEntry& entry = table[id];
  auto& old = *static_cast<FlowState*>(entry.state);
  hand_on(id, old);
  FlowState* moved = create_state(layout, models, pool);
  if (moved == nullptr) return;  // out of memory: stays as it is, the next packet tries again
  moved->windows = old.windows;
  moved->start_us = old.start_us;
  moved->last_us = old.last_us;
  moved->bytes = old.bytes;
  moved->packets = old.packets;
  moved->serial = old.serial;
  moved->plan = old.plan;
  pool.release(&old, old.block_bytes);
  entry.state = moved;
  entry.staging = {};
  entry.staging.epoch = static_cast<uint8_t>(layout.epoch);
  look_again(entry);
  if (moved->plan != plans.back().epoch) rebuild_windows(*moved);
}

void Classifier::Impl::rebuild_windows(FlowState& state) noexcept {
  HeldPlan& from = held_plan(state.plan);
  HeldPlan& to = plans.back();
  if (state.windows != nullptr) {
    FlowWindows* fresh = FlowWindows::create(*to.plan, pool);
    if (fresh == nullptr) return;
    const auto [older, newer] = state.windows->records();
    for (const auto part : {older, newer}) (void)fresh->add(part, *to.plan, pool);
    FlowWindows::destroy(state.windows, *from.plan, pool);
    state.windows = fresh;
  }
  state.plan = to.epoch;
  --from.flows;
  ++to.flows;
}

void Classifier::Impl::release(FlowState& state) noexcept {
  HeldPlan& held = held_plan(state.plan);
  FlowWindows::destroy(state.windows, *held.plan, pool);
  --held.flows;
  pool.release(&state, state.block_bytes);
}

// Before a verdict changes (-1) and after it has (+1).
void Classifier::Impl::count_standing(FlowEntry& entry, size_t slot, int step) noexcept {
  FlowState& state = count_staged(entry);  // they came under the verdict that was
  uint32_t standing = layout.standing(state, slot);
  const uint8_t c = layout.is_multilabel(slot) && standing != 0
                        ? kSetOfClasses
                        : layout.model(state, slot).verdict.class_index;
  state.standing[slot] = step > 0 ? c : kNoClass;
  look_again(entry);  // other models may wait for this one's verdict
  for (; standing != 0; standing &= standing - 1) {
    const auto label = static_cast<size_t>(std::countr_zero(standing));
    counters.models[slot].flows_now[label].add(static_cast<uint64_t>(static_cast<int64_t>(step)));
  }
}

void Classifier::Impl::removed(FlowId id, FlowEntry& entry) noexcept {
  if (entry.state == nullptr) return;
  FlowState& state = count_staged(entry);
  if (current(state)) {
    for (uint8_t slot = 0; slot < layout.slots.size(); ++slot) {
      if (layout.model(state, slot).verdict.windows == 0) continue;
      VerdictEvent event;
      event.time_us = state.last_us;
      event.final = true;
      event.provisional = !layout.model(state, slot).verdict.settled;
      emit(id, state, slot, event);
      count_standing(entry, slot, -1);
    }
  }
  release(state);
  entry.state = nullptr;
}

uint32_t Classifier::Impl::entries_to_expire(TimeUs now_us) noexcept {
  if (expired_us == 0 || now_us < expired_us) expired_us = now_us;
  const double elapsed_us = static_cast<double>(now_us - expired_us);
  expired_us = now_us;
  entries_owed += elapsed_us * expire_per_us;
  const auto entries = std::min<double>(entries_owed, kMaxExpireWalk);
  const auto whole = static_cast<uint32_t>(entries);
  entries_owed = entries - whole;
  return whole;
}

// Memory is short: of the next flows that have windows the one that has been idle longest gives
// them up, with a final word on its verdicts; its mark stays. Only flows idle for a while do, or
// busy ones would take turns in losing theirs.
bool Classifier::Impl::make_way(FlowId keep) noexcept {
  constexpr uint32_t kLooks = 64;
  constexpr uint32_t kIdleMs = 1000;
  const auto now_ms = table[keep].last_seen_ms;
  FlowId victim = kNoFlow;
  uint32_t longest_ms = kIdleMs;
  for (uint32_t i = 0; i < kLooks; ++i) {
    const FlowId id = table.next_in_use(way_hand);
    if (id == kNoFlow) {
      way_hand = (way_hand + FlowTable::kMostSkipped) % table.id_end();
      break;
    }
    way_hand = id + 1;
    const FlowEntry& entry = table[id];
    const uint32_t idle_ms = now_ms - entry.last_seen_ms;
    if (id == keep || entry.state == nullptr || idle_ms < longest_ms) continue;
    if (idle_ms > kLongestIdleMs) continue;  // its clock is ahead
    longest_ms = idle_ms;
    victim = id;
  }
  if (victim == kNoFlow) return false;
  removed(victim, table[victim]);
  counters.windows_given_up.add();
  return true;
}

void Classifier::Impl::publish_gauges() noexcept {
  const FlowTable::Counters& flows = table.counters();
  counters.flows_inserted.set(flows.inserted);
  counters.flows_expired.set(flows.expired);
  counters.flows_evicted.set(flows.evicted);
  counters.table_entries.set(table.size());
  counters.pool_used_bytes.set(pool.used());
  counters.inference_backlog.set(due.size());
  counters.inference_ladder.set(static_cast<uint64_t>(ladder.step()));
}

Classifier::Classifier(const ClassifierOptions& options, WorkerCounters& counters,
                       VerdictSink* sink)
    : impl_(std::make_unique<Impl>(options, counters, sink,
                                   static_cast<FlowRemovalListener&>(*this))) {}

Classifier::~Classifier() {
  impl_->sink = nullptr;
  impl_->table.clear();
}

void Classifier::use_models(const ModelSet* models) {
  impl_->use_models(models);
}

void Classifier::process(std::span<Packet> packets, std::span<bool> marked) noexcept {
  impl_->process(packets, marked);
}

bool Classifier::infer(uint64_t budget_ns) noexcept {
  return impl_->infer(budget_ns);
}

void Classifier::expire(TimeUs now_us) noexcept {
  expire(now_us, impl_->entries_to_expire(now_us));
}

void Classifier::expire(TimeUs now_us, uint32_t entries) noexcept {
  impl_->table.expire_some(now_us, entries);
  impl_->publish_gauges();
}

void Classifier::finish() noexcept {
  impl_->table.clear();
  impl_->publish_gauges();
}

const FlowTable& Classifier::flows() const noexcept {
  return impl_->table;
}

uint32_t Classifier::packets(FlowId id) const noexcept {
  const FlowEntry& entry = impl_->table[id];
  if (entry.state == nullptr) return entry.packets;
  const auto& state = *static_cast<const FlowState*>(entry.state);
  const uint32_t uncounted =
      state.uncounted(entry.staging, 0) + uint32_t{state.uncounted(entry.staging, 1)};
  return std::max<uint32_t>(entry.packets, state.total_packets() + uncounted);
}

Classifier::Standing Classifier::standing(FlowId id, size_t model) const noexcept {
  Standing standing;
  auto* state = static_cast<FlowState*>(impl_->table[id].state);
  if (state == nullptr || !impl_->current(*state) || model >= impl_->layout.slots.size()) {
    return standing;
  }
  const VerdictState& verdict = impl_->layout.model(*state, model).verdict;
  standing.class_index = verdict.class_index;
  if (impl_->layout.is_multilabel(model)) standing.labels = impl_->layout.labels(*state, model);
  standing.windows = verdict.windows;
  standing.probabilities = impl_->layout.votes(*state, model);
  return standing;
}

void Classifier::on_remove(FlowId id, FlowEntry& entry) noexcept {
  impl_->removed(id, entry);
}

}  // namespace flowmark
