#include "classify/classifier.h"

#include <algorithm>

#include "classify/classifier_impl.h"

namespace flowmark {
namespace {

/// The walk for ended flows goes round the table in a second.
constexpr auto kWalksPerRefresh = static_cast<uint32_t>(FlowNews::kRefreshUs / kUsPerSecond);

/// A flow in sixteen may have a live mark at the same time.
uint32_t live_flows(const ClassifierOptions& options) {
  constexpr uint32_t kFewest = 256, kMost = 1U << 16;
  return std::clamp(options.table.capacity / 16, kFewest, kMost);
}

}  // namespace

Classifier::Impl::Impl(const ClassifierOptions& classifier_options, WorkerCounters& worker_counters,
                       VerdictSink* sink, FlowSink* flow_sink, FlowRemovalListener& listener)
    : options(classifier_options),
      counters(worker_counters),
      table(options.table, listener),
      hosts(options.host_records == 0
                ? nullptr
                : std::make_unique<HostUsage>(options.host_records, options.table.secret)),
      states({.memory_bytes = options.window_memory_bytes,
              .prefault = options.prefault,
              .at_once = options.windows_at_once,
              .hosts = hosts.get()},
             table, listener, counters),
      due(options.due_capacity, table, states, counters),
      news(table, states, flow_sink),
      verdicts(table, states, news, counters, sink),
      inference(states, due, verdicts, counters),
      fragments(options.table.secret),
      admission(live_flows(options), options.live_budget.get(), counters),
      expire_per_us(static_cast<double>(table.id_end()) / static_cast<double>(kUsPerSecond)) {}

void Classifier::Impl::use_models(PreparedModels& prepared) noexcept {
  inference.use_models(prepared);
  states.use_models(prepared);
  verdicts.use_models(prepared);
  due.use_models();
  const bool had_caps = set->has_caps();
  set = prepared.set != nullptr ? prepared.set : &nothing;
  if (had_caps || set->has_caps()) admission.caps_changed();
  news.use(*set);
  not_to_mark = set->marking().wash ? MarkNumbers::kKeep : kNoMark;
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

// The admission's records are walked at the pace of the table.
void Classifier::Impl::expire(TimeUs now_us, uint32_t entries) noexcept {
  table.expire_some(now_us, entries);
  records_owed += uint64_t{entries} * admission.records();
  admission.expire(now_us, static_cast<uint32_t>(records_owed / table.id_end()));
  records_owed %= table.id_end();
  refresh_owed += entries;
  news.refresh(refresh_owed / kWalksPerRefresh);
  refresh_owed %= kWalksPerRefresh;
  publish_gauges();
}

void Classifier::Impl::publish_gauges() noexcept {
  const FlowTable::Counters& flows = table.counters();
  counters.flows_inserted.set(flows.inserted);
  counters.flows_expired.set(flows.expired);
  counters.flows_evicted.set(flows.evicted);
  counters.table_entries.set(table.size());
  counters.pool_used_bytes.set(states.used_bytes());
  counters.inference_backlog.set(due.size());
  counters.inference_ladder.set(static_cast<uint64_t>(due.step()));
}

Classifier::Classifier(const ClassifierOptions& options, WorkerCounters& counters,
                       VerdictSink* sink, FlowSink* flow_sink)
    : impl_(std::make_unique<Impl>(options, counters, sink, flow_sink,
                                   static_cast<FlowRemovalListener&>(*this))) {}

Classifier::~Classifier() {
  impl_->verdicts.be_silent();
  impl_->news.be_silent();
  impl_->table.clear();
}

void Classifier::use_models(PreparedModels& prepared) noexcept {
  impl_->use_models(prepared);
}

void Classifier::use_models(const ModelSet* models) {
  PreparedModels prepared(models);
  impl_->use_models(prepared);
}

void Classifier::process(std::span<Packet> packets, std::span<bool> marked) noexcept {
  impl_->process(packets, marked);
}

bool Classifier::infer(uint64_t budget_ns) noexcept {
  return impl_->inference.run(budget_ns);
}

void Classifier::expire(TimeUs now_us) noexcept {
  expire(now_us, impl_->entries_to_expire(now_us));
}

void Classifier::expire(TimeUs now_us, uint32_t entries) noexcept {
  impl_->expire(now_us, entries);
}

void Classifier::finish() noexcept {
  impl_->table.clear();
  impl_->publish_gauges();
}

const HostUsage* Classifier::hosts() const noexcept {
  return impl_->hosts.get();
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

PolicyPlace Classifier::policy_of(FlowId id) const noexcept {
  return impl_->policy_of(id);
}

Classifier::Standing Classifier::standing(FlowId id, size_t model) const noexcept {
  Standing standing;
  const FlowStates& states = impl_->states;
  const StateLayout& layout = states.layout();
  auto* state = static_cast<FlowState*>(impl_->table[id].state);
  if (state == nullptr || !states.is_current(*state) || model >= layout.slots.size()) {
    return standing;
  }
  const VerdictState& verdict = layout.model(*state, model).verdict;
  standing.class_index = verdict.class_index;
  if (layout.is_multilabel(model)) standing.labels = layout.labels(*state, model);
  standing.windows = verdict.windows;
  standing.is_asked = states.is_asked(*state, model);
  standing.probabilities = layout.votes(*state, model);
  return standing;
}

// A flow leaves the table or must give up its state.
void Classifier::on_remove(FlowId id, FlowEntry& entry, Removal reason) noexcept {
  impl_->news.removed(id, reason);
  if (entry.state == nullptr) return;
  impl_->verdicts.end(id);
  impl_->states.release(entry);
}

}  // namespace flowmark
