// Looks at a flow: which of its windows are due, and when that can change next.
#include <algorithm>

#include "classify/classifier_impl.h"

namespace flowmark {
namespace {

constexpr uint32_t kFarMs = 1U << 30;  // as good as never on a clock of 32 bits

uint32_t ms_since(TimeUs start_us, TimeUs now_us) noexcept {
  const TimeUs elapsed = (now_us - start_us) / kUsPerMs;
  return static_cast<uint32_t>(std::clamp<TimeUs>(elapsed, 0, UINT32_MAX));
}

/// Of packets until the next look: it may come early, not late.
uint8_t as_count(uint32_t packets) noexcept {
  return static_cast<uint8_t>(std::clamp(packets, 1U, 255U));
}

}  // namespace

void Classifier::Impl::look_again(FlowEntry& entry) noexcept {
  entry.left = 1;
}

// Queues the windows that this packet makes due and says when to look again.
void Classifier::Impl::look(FlowId id, uint8_t direction, TimeUs now_us) noexcept {
  FlowEntry& entry = table[id];
  auto& state = *static_cast<FlowState*>(entry.state);
  state.count_packets(entry.staging);
  NextLook next;
  if (current(state) && state.plan == plans.back().epoch) {
    const uint32_t age_ms = ms_since(state.start_us, now_us);
    for (uint8_t slot = 0; slot < layout.slots.size(); ++slot) {
      if (!wanted(state, slot)) continue;  // when that changes the flow is looked at again
      const ActiveModel& model = models->models()[slot];
      if (!model.model->input.has_directions()) {
        look_at(id, state, {slot, 0}, state.total_packets(), age_ms, true, now_us, next);
        continue;
      }
      for (const uint8_t side : {uint8_t{0}, uint8_t{1}}) {
        look_at(id, state, {slot, side}, state.packets[side], age_ms, side == direction, now_us,
                next);
      }
    }
  }
  Staging& staging = entry.staging;
  for (size_t side = 0; side < 2; ++side) {
    state.left[side] = staging.left[side] = as_count(next.packets[side]);
  }
  entry.left = as_count(next.together);
  staging.look_ms = table.now_ms() + kFarMs;
  if (next.time_us < now_us + TimeUs{kFarMs} * kUsPerMs) {
    staging.look_ms = static_cast<uint32_t>(next.time_us / kUsPerMs);
  }
}

// One window of a flow: queued if it is due and the packet is one of its own.
void Classifier::Impl::look_at(FlowId id, FlowState& state, WindowName name, uint32_t packets,
                               uint32_t age_ms, bool is_its_own, TimeUs now_us,
                               NextLook& look) noexcept {
  Due& next = layout.model(state, name.slot).due[name.side];
  if (next.queued) return;  // the flow is looked at again when it is read
  bool enough = packets >= next.packets, late = age_ms >= next.time_ms;
  if (is_its_own && (next.asked ? enough || late : enough && late)) {
    // Early windows double, so that a young flow's verdict improves fast at little cost.
    const VerdictPolicy& policy = models->models()[name.slot].policy;
    next.asked = true;
    next.packets = packets + std::min(packets, policy.hop_packets);
    next.time_ms = age_ms + static_cast<uint32_t>(policy.hop_us / kUsPerMs);
    enqueue({id, state.serial, name.slot, name.side, now_us}, state, next);
    if (next.queued) return;
    enough = late = false;
  }
  if (!late && (next.asked || enough)) {
    look.time_us = std::min(look.time_us, state.start_us + TimeUs{next.time_ms} * kUsPerMs);
  }
  if (enough && !late && !next.asked) return;
  const bool at_next = next.asked ? enough || late : enough && late;
  const uint32_t missing = at_next ? 1 : next.packets - std::min(packets, next.packets);
  const bool has_directions = models->models()[name.slot].model->input.has_directions();
  uint32_t& until = has_directions ? look.packets[name.side] : look.together;
  until = std::min(until, missing);
}

}  // namespace flowmark
