#include "classify/classifier.h"

#include <algorithm>

#include "classify/classifier_impl.h"

namespace flowmark {

Classifier::Impl::Impl(const ClassifierOptions& classifier_options, WorkerCounters& worker_counters,
                       VerdictSink* verdict_sink, FlowRemovalListener& listener)
    : options(classifier_options),
      counters(worker_counters),
      sink(verdict_sink),
      table(classifier_options.table, listener),
      pool(classifier_options.window_memory_bytes),
      ef_guard(classifier_options.ef_share_max >= 1.0
                   ? 0
                   : static_cast<uint64_t>(
                         classifier_options.ef_share_max *
                         static_cast<double>(classifier_options.link_bits_per_second) / 8)),
      layout(nullptr, 1),
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
    window.reserve(FlowWindows::max_values(*plans.back().plan));
    reader.reserve(FlowWindows::max_values(*plans.back().plan));
  }
  restart_counters(set);
  busy = false;
  due.clear();
  ladder.update(0);
  cost_ns = {};
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
void Classifier::Impl::adopt(FlowEntry& entry) noexcept {
  auto& old = *static_cast<FlowState*>(entry.state);
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
  if (moved->plan != plans.back().epoch) rebuild_windows(*moved);
}

void Classifier::Impl::rebuild_windows(FlowState& state) noexcept {
  HeldPlan& from = held_plan(state.plan);
  HeldPlan& to = plans.back();
  FlowWindows* fresh = FlowWindows::create(*to.plan, pool);
  if (fresh == nullptr) return;
  const auto [older, newer] = state.windows->records();
  for (const auto part : {older, newer}) {
    for (const PacketRecord& packet : part) (void)fresh->append(packet, *to.plan, pool);
  }
  FlowWindows::destroy(state.windows, *from.plan, pool);
  state.windows = fresh;
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

void Classifier::Impl::count_standing(FlowState& state, size_t slot, int step) noexcept {
  const uint8_t c = layout.model(state, slot).verdict.class_index;
  if (c == kNoClass) return;
  counters.models[slot].flows_now[c].add(static_cast<uint64_t>(static_cast<int64_t>(step)));
}

void Classifier::Impl::removed(FlowId id, FlowEntry& entry) noexcept {
  if (entry.state == nullptr) return;
  auto& state = *static_cast<FlowState*>(entry.state);
  if (current(state)) {
    for (uint8_t slot = 0; slot < layout.slots.size(); ++slot) {
      if (layout.model(state, slot).verdict.windows == 0) continue;
      VerdictEvent event;
      event.time_us = state.last_us;
      event.final = true;
      event.provisional = !layout.model(state, slot).verdict.settled;
      emit(id, state, slot, event);
      count_standing(state, slot, -1);
    }
  }
  release(state);
  entry.state = nullptr;
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

Classifier::Standing Classifier::standing(FlowId id, size_t model) const noexcept {
  Standing standing;
  auto* state = static_cast<FlowState*>(impl_->table[id].state);
  if (state == nullptr || !impl_->current(*state) || model >= impl_->layout.slots.size()) {
    return standing;
  }
  const VerdictState& verdict = impl_->layout.model(*state, model).verdict;
  standing.class_index = verdict.class_index;
  standing.windows = verdict.windows;
  standing.probabilities = impl_->layout.votes(*state, model);
  return standing;
}

void Classifier::on_remove(FlowId id, FlowEntry& entry) noexcept {
  impl_->removed(id, entry);
}

}  // namespace flowmark
