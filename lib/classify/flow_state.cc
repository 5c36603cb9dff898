#include "classify/flow_state.h"

#include <algorithm>
#include <new>

namespace flowmark {

StateLayout::StateLayout(const ModelSet* models, uint32_t epoch_number)
    : epoch(epoch_number), same_since(epoch_number) {
  constexpr auto kAlignment = static_cast<uint32_t>(alignof(ModelState));
  static_assert(sizeof(FlowState) % kAlignment == 0);
  static_assert(sizeof(ModelState) % alignof(float) == 0);
  if (models == nullptr) return;
  for (const ActiveModel& active : models->models()) {
    Slot slot;
    slot.classes = static_cast<uint32_t>(active.model->classes.size());
    slot.state = bytes;
    slot.votes = slot.state + static_cast<uint32_t>(sizeof(ModelState));
    bytes = slot.votes + slot.classes * static_cast<uint32_t>(sizeof(float));
    if (active.model->multilabel) {
      slot.labels = bytes;
      bytes += static_cast<uint32_t>(sizeof(uint32_t));
    }
    bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    slots.push_back(slot);
  }
}

FlowState* create_state(const StateLayout& layout, const ModelSet* models,
                        BlockPool& pool) noexcept {
  void* block = pool.allocate(layout.bytes);
  if (block == nullptr) return nullptr;
  auto* state = new (block) FlowState;
  state->layout = layout.epoch;
  state->block_bytes = layout.bytes;
  for (size_t m = 0; m < layout.slots.size(); ++m) {
    const VerdictPolicy& policy = models->models()[m].policy;
    auto* model = new (&layout.model(*state, m)) ModelState;
    for (size_t side = 0; side < 2; ++side) model->set_schedule(side, AskSchedule::first(policy));
    std::ranges::fill(layout.votes(*state, m), 0.0F);
    if (layout.is_multilabel(m)) layout.labels(*state, m) = 0;
  }
  return state;
}

}  // namespace flowmark
