// Records on their way to the windows: a flow's state, what waits there, and when it goes on.
#include <algorithm>
#include <bit>
#include <utility>

#include "classify/classifier_impl.h"

namespace flowmark {

// Gives a flow a state that is made for the present models. False if it cannot take the packet.
bool Classifier::Impl::make_ready(FlowId id, PacketRecord packet, TimeUs time_us) noexcept {
  FlowEntry& entry = table[id];
  if (models == nullptr) {
    counters.bypassed[static_cast<size_t>(Bypass::no_model)].add();
    return false;
  }
  if (entry.state != nullptr) {
    if (!current(*static_cast<FlowState*>(entry.state)) && adoptions_left > 0) {
      --adoptions_left;
      adopt(id);
    }
    return true;
  }
  if (entry.packets == 1 && !options.windows_at_once) {
    entry.first = packet;
    return false;
  }
  const bool has_first = entry.packets == 2 && !options.windows_at_once;
  const PacketRecord first = has_first ? entry.first : packet;
  FlowState* state = start_state(first, time_us);
  if (state == nullptr && make_way(id)) state = start_state(first, time_us);
  if (state == nullptr) {
    entry.first = first;
    counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
    return false;
  }
  entry.state = state;
  entry.staging = {};
  entry.staging.epoch = static_cast<uint8_t>(layout.epoch);
  look_again(entry);
  if (has_first) {
    entry.append(first);
    state->packets[first.direction] = 1;
  }
  return true;
}

FlowState* Classifier::Impl::start_state(const PacketRecord& first, TimeUs now_us) noexcept {
  FlowState* state = create_state(layout, models, pool);
  if (state == nullptr) return nullptr;
  // The first record may be older than this packet; its 32 bits tell by how much.
  state->start_us = now_us - static_cast<uint32_t>(static_cast<uint32_t>(now_us) - first.time_us);
  state->last_us = state->start_us;
  state->serial = next_serial++;
  state->plan = plans.back().epoch;
  ++plans.back().flows;
  return state;
}

// Brings the numbers of a flow up to its newest packet.
FlowState& Classifier::Impl::count_staged(FlowEntry& entry) noexcept {
  auto& state = *static_cast<FlowState*>(entry.state);
  entry.gather();
  const auto fresh =
      std::span<const PacketRecord>(state.staged).first(entry.staging.count).subspan(state.counted);
  state.counted = entry.staging.count;
  state.count_packets(entry.staging);
  uint64_t bytes = 0;
  for (const PacketRecord& record : fresh) {
    bytes += record.size;
    const uint32_t gap = record.time_us - static_cast<uint32_t>(state.last_us);
    if (gap <= FlowWindows::kMaxGapUs) state.last_us += gap;
  }
  state.bytes += bytes;
  if (state.has_verdict() && current(state)) count_classes(state, fresh.size(), bytes);
  return state;
}

void Classifier::Impl::count_classes(FlowState& state, uint64_t packets, uint64_t bytes) noexcept {
  for (size_t slot = 0; slot < layout.slots.size(); ++slot) {
    const uint8_t c = state.standing[slot];
    if (c == kNoClass) continue;
    ModelCounters& of_model = counters.models[slot];
    if (c != kSetOfClasses) {
      of_model.packets[c].add(packets);
      of_model.bytes[c].add(bytes);
      continue;
    }
    for (uint32_t labels = layout.labels(state, slot); labels != 0; labels &= labels - 1) {
      const auto label = static_cast<size_t>(std::countr_zero(labels));
      of_model.packets[label].add(packets);
      of_model.bytes[label].add(bytes);
    }
  }
}

// Handing on touches some ten lines of a flow that have been cold for 40 packets. They are fetched
// while the next burst is parsed: first the windows, which say where the ring is, then its end.
void Classifier::Impl::fetch_rings() const noexcept {
  for (const FlowId id : being_fetched.all()) {
    const auto* state = static_cast<const FlowState*>(table[id].state);
    if (state == nullptr || state->windows == nullptr) continue;
    state->windows->prefetch(1);
  }
}

// The flows that the last burst has filled hand their records on; those of this one are fetched.
void Classifier::Impl::hand_on_staged() noexcept {
  for (const FlowId id : being_fetched.all()) {
    const FlowEntry& entry = table[id];  // it may be another flow's by now
    if (entry.state == nullptr || entry.staging.count != FlowState::kStaged) continue;
    hand_on(id, *static_cast<FlowState*>(entry.state));
  }
  for (const FlowId id : full.all()) {
    const auto* state = static_cast<const FlowState*>(table[id].state);
    if (state == nullptr) continue;
    if (state->windows != nullptr) state->windows->prefetch(0);
    for (size_t at = 0; at < sizeof(state->staged); at += 64) {
      __builtin_prefetch(reinterpret_cast<const std::byte*>(state) + at);
    }
  }
  std::ranges::copy(full.all(), being_fetched.flows.begin());
  being_fetched.count = std::exchange(full.count, 0);
}

// Staged records become part of the windows, which are made now if there are none yet.
void Classifier::Impl::hand_on(FlowId id, FlowState& state) noexcept {
  FlowEntry& entry = table[id];
  count_staged(entry);
  const auto staged = std::span<const PacketRecord>(state.staged).first(entry.staging.count);
  entry.staging.count = 0;
  state.counted = 0;
  if (staged.empty()) return;
  const WindowPlan& plan = plan_of(state);
  if (state.windows == nullptr) state.windows = FlowWindows::create(plan, pool);
  if (state.windows == nullptr && make_way(id)) state.windows = FlowWindows::create(plan, pool);
  if (state.windows == nullptr) {
    counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add(staged.size());
    return;
  }
  count_result(id, state.windows->add(staged, plan, pool));
}

void Classifier::Impl::count_result(FlowId id, AppendResult result) noexcept {
  if (result == AppendResult::window_full) counters.picture_overflows.add();
  if (result != AppendResult::out_of_memory) return;
  counters.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
  make_way(id);  // the next packets find room
}

}  // namespace flowmark
