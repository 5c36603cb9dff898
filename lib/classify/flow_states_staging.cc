// Records on their way to the windows: what waits at a flow, and when it goes on.
#include <algorithm>
#include <bit>
#include <utility>

#include "classify/flow_states.h"

namespace flowmark {
namespace {

constexpr uint32_t kAdoptionsPerBurst = 2;
constexpr size_t kLargeBurst = 8;

void count_class(ModelCounters& counters, size_t c, uint8_t group, uint64_t packets,
                 uint64_t bytes) noexcept {
  counters.packets[c].add(packets);
  counters.bytes[c].add(bytes);
  if (group != kNoGroup) counters.group_bytes[group * kMaxClasses + c].add(bytes);
}

}  // namespace

// Handing on touches some ten lines of a flow that have been cold for 40 packets. They are fetched
// while the next burst is parsed: first the windows, which say where the ring is, then its end.
void FlowStates::begin_burst(size_t packets) noexcept {
  // The change of models has taken some microseconds of this round: a large burst moves no flows.
  const bool is_long_round = std::exchange(models_are_new_, false) && packets > kLargeBurst;
  adoptions_left_ = is_long_round ? 0 : kAdoptionsPerBurst;
  for (const FlowId id : being_fetched_.all()) {
    const FlowState* state = find(id);
    if (state == nullptr || state->windows == nullptr) continue;
    state->windows->prefetch(1);
  }
}

// The flows that the last burst has filled hand their records on; those of this one are fetched.
void FlowStates::end_burst() noexcept {
  for (const FlowId id : being_fetched_.all()) {
    const FlowEntry& entry = table_[id];  // it may be another flow's by now
    if (entry.state == nullptr || entry.staging.count != FlowState::kStaged) continue;
    hand_on(id);
  }
  for (const FlowId id : full_.all()) {
    const FlowState* state = find(id);
    if (state == nullptr) continue;
    if (state->windows != nullptr) state->windows->prefetch(0);
    for (size_t at = 0; at < sizeof(state->staged); at += 64) {
      __builtin_prefetch(reinterpret_cast<const std::byte*>(state) + at);
    }
  }
  std::ranges::copy(full_.all(), being_fetched_.flows.begin());
  being_fetched_.count = std::exchange(full_.count, 0);
}

FlowState& FlowStates::count(FlowEntry& entry) noexcept {
  auto& state = *static_cast<FlowState*>(entry.state);
  entry.gather();
  const auto fresh =
      std::span<const PacketRecord>(state.staged).first(entry.staging.count).subspan(state.counted);
  state.counted = entry.staging.count;
  state.count_packets(entry.staging);
  Bytes bytes{};
  for (const PacketRecord& record : fresh) {
    bytes[record.direction] += record.size;
    const uint32_t gap = record.time_us - static_cast<uint32_t>(state.last_us);
    if (gap <= FlowWindows::kMaxGapUs) state.last_us += gap;
  }
  for (size_t side = 0; side < 2; ++side) state.bytes[side] += bytes[side];
  if (state.has_verdict() && is_current(state)) {
    count_classes(state, fresh.size(), bytes[0] + bytes[1]);
  }
  if (!fresh.empty()) count_host(entry, state, fresh.size(), bytes);
  return state;
}

void FlowStates::count_classes(FlowState& state, uint64_t packets, uint64_t bytes) noexcept {
  for (size_t slot = 0; slot < layout_.slots.size(); ++slot) {
    const uint8_t c = state.standing[slot];
    if (c == kNoClass) continue;
    ModelCounters& of_model = counters_.models[slot];
    if (c != kSetOfClasses) {
      count_class(of_model, c, state.group, packets, bytes);
      continue;
    }
    for (uint32_t labels = layout_.labels(state, slot); labels != 0; labels &= labels - 1) {
      const auto label = static_cast<size_t>(std::countr_zero(labels));
      count_class(of_model, label, state.group, packets, bytes);
    }
  }
}

void FlowStates::count_host(const FlowEntry& entry, FlowState& state, uint64_t packets,
                            const Bytes& bytes) noexcept {
  if (state.group != kNoGroup) {
    counters_.group_bytes_up[state.group].add(bytes[0]);
    counters_.group_bytes_down[state.group].add(bytes[1]);
  }
  if (hosts_ == nullptr) return;
  const FlowKey key = entry.key.key();
  hosts_->add((entry.flags & kUpIsA) != 0 ? key.a : key.b, standing_tag(state), bytes, packets);
}

// The class of the model that sets the mark. If none of those has a verdict, the class of the last
// model that has one. Of several labels the one that speaks for the flow (vote_labels).
ClassTag FlowStates::standing_tag(FlowState& state) const noexcept {
  if (!is_current(state) || !state.has_verdict()) return kNoTag;
  ClassTag tag = kNoTag;
  for (size_t slot = layout_.slots.size(); slot-- > 0;) {
    const uint8_t c = state.standing[slot];
    if (c == kNoClass) continue;
    const bool marks = models_->models()[slot].marks;
    if (tag != kNoTag && !marks) continue;
    const auto& verdict = layout_.model(state, slot).verdict;
    tag = models_->tag_of(slot, c == kSetOfClasses ? verdict.class_index : c);
    if (marks) break;
  }
  return tag;
}

void FlowStates::hand_on(FlowId id) noexcept {
  FlowEntry& entry = table_[id];
  FlowState& state = count(entry);
  const auto staged = std::span<const PacketRecord>(state.staged).first(entry.staging.count);
  entry.staging.count = 0;
  state.counted = 0;
  if (staged.empty()) return;
  const WindowPlan& plan = *held_plan(state.plan)->plan;
  const auto begin = [&] { return FlowWindows::create(plan, pool_, facts_of(entry.key.key())); };
  if (state.windows == nullptr) state.windows = begin();
  if (state.windows == nullptr && make_way(id)) state.windows = begin();
  if (state.windows == nullptr) {
    counters_.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add(staged.size());
    return;
  }
  count_result(id, state.windows->add(staged, plan, pool_));
}

void FlowStates::catch_up(FlowId id, uint32_t most) noexcept {
  count_result(id, find(id)->windows->catch_up(*plans_.back().plan, pool_, most));
}

uint32_t FlowStates::begin_read(FlowId id, size_t slot, Direction direction,
                                WindowReader& reader) const noexcept {
  const auto& state = *static_cast<const FlowState*>(table_[id].state);
  return state.windows->begin_read(models_->spec_of(slot), direction, *plans_.back().plan, reader);
}

void FlowStates::count_result(FlowId id, AppendResult result) noexcept {
  if (result == AppendResult::window_full) counters_.picture_overflows.add();
  if (result != AppendResult::out_of_memory) return;
  counters_.bypassed[static_cast<size_t>(Bypass::out_of_memory)].add();
  make_way(id);  // the next packets find room
}

}  // namespace flowmark
