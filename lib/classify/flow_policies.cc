// What the operator's policies make of a flow. The list is searched when a flow begins, when it
// gets its state, and when other policies are loaded.
#include <algorithm>

#include "classify/classifier_impl.h"
#include "mark/pcp.h"

namespace flowmark {
namespace {

Direction side_of(bool began_down) noexcept {
  return began_down ? Direction::down : Direction::up;
}

}  // namespace

PolicyPlace Classifier::Impl::find_policy(const Packet& packet, const ParsedPacket& p, bool a_is_up,
                                          Direction opener) const noexcept {
  const auto& policies = set->policies();
  if (policies == nullptr) return kNoPolicy;
  const FlowKey& key = p.key;
  return policies->find({.inside = a_is_up ? key.a : key.b,
                         .outside = a_is_up ? key.b : key.a,
                         .inside_port = (a_is_up ? key.a_port : key.b_port).host(),
                         .outside_port = (a_is_up ? key.b_port : key.a_port).host(),
                         .vlan = vlan_of(packet).value_or(0),
                         .protocol = key.protocol,
                         .opener = opener});
}

uint16_t Classifier::Impl::vlan_to_tell(const Packet& packet) const noexcept {
  return news.is_silent() ? FlowState::kNoVlan : vlan_of(packet).value_or(FlowState::kNoVlan);
}

// Of a flow without a state; as this packet says where the first one is forgotten.
Direction Classifier::Impl::opener_of(const FlowEntry& entry,
                                      const ParsedPacket& p) const noexcept {
  if ((entry.flags & kUnasked) != 0) return side_of(entry.unasked.began_down);
  const bool has_first = entry.packets == 2 && !options.windows_at_once;
  if (!has_first) return opener_by(p, (entry.flags & kUpIsA) != 0);
  return side_of((entry.first.dir() == Direction::down) != (entry.aside.answers_first != 0));
}

Direction Classifier::Impl::opener_by(const ParsedPacket& first, bool a_is_up) noexcept {
  return side_of((first.from_a != a_is_up) == source_began(first));
}

// Whether it is known that the present models are not asked about the flow.
bool Classifier::Impl::is_unasked(const FlowEntry& entry) const noexcept {
  return (entry.flags & kUnasked) != 0 &&
         entry.unasked.epoch == static_cast<uint16_t>(states.layout().epoch);
}

// A flow without a state comes under a policy. False if no model is asked. Without models, too: so
// the list is not searched again with each packet.
bool Classifier::Impl::begin_asking(FlowId id, PolicyPlace place, Direction opener,
                                    const Packet& packet) noexcept {
  FlowEntry& entry = table[id];
  const PolicyEffect& effect = set->effect_of(place);
  const uint8_t mark_before = entry.mark;
  fix_mark(entry, effect);
  const bool has_models = states.models() != nullptr;
  const bool asks = effect.asks_models && (has_models || set->policies() == nullptr);
  if (!asks) leave_unasked(entry, place, opener, packet);
  if (FlowNews::is_another_mark(mark_before, entry.mark)) {
    news.changed(id, mark_before, packet.time_us);
  }
  if (!asks || (entry.flags & kUnasked) == 0) return asks;
  constexpr uint8_t kFirstForgotten = 3;  // see FlowStates::make_ready()
  entry.flags &= static_cast<uint8_t>(~kUnasked);
  entry.packets = std::max(entry.packets, kFirstForgotten);
  return true;
}

// The same of a flow with a current state: its verdicts end.
void Classifier::Impl::stop_asking(FlowId id, PolicyPlace place, const Packet& packet) noexcept {
  FlowEntry& entry = table[id];
  const Direction opener = side_of(states.find(id)->began_down);
  verdicts.end(id);
  states.release(entry);
  if ((entry.flags & kFixedMark) == 0) entry.mark = kNoMark;
  leave_unasked(entry, place, opener, packet);
}

void Classifier::Impl::leave_unasked(FlowEntry& entry, PolicyPlace place, Direction opener,
                                     const Packet& packet) const noexcept {
  entry.flags |= kUnasked;
  entry.unasked.epoch = static_cast<uint16_t>(states.layout().epoch);
  entry.unasked.policy = place;
  entry.unasked.vlan = vlan_to_tell(packet) & FlowState::kNoVlan;
  entry.unasked.began_down = opener == Direction::down;
}

// A mark that only an earlier policy gave goes.
void Classifier::Impl::fix_mark(FlowEntry& entry, const PolicyEffect& effect) const noexcept {
  if (effect.fixes_mark) {
    entry.flags |= kFixedMark;
    entry.mark = effect.mark;
  } else if ((entry.flags & kFixedMark) != 0) {
    entry.flags &= static_cast<uint8_t>(~kFixedMark);
    entry.mark = kNoMark;
  }
}

// Always false: the packet's flow is not classified.
bool Classifier::Impl::pass_unasked(const FlowEntry& entry) noexcept {
  const bool asks = set->effect_of(entry.unasked.policy).asks_models;
  counters.bypassed[static_cast<size_t>(asks ? Bypass::no_model : Bypass::policy)].add();
  return false;
}

// Of a flow with a live mark. The list is searched where the flow does not know its policy: it
// waits to be moved to the present models, or has no state for want of memory.
LiveCaps Classifier::Impl::caps_of(FlowId id, const Packet& packet,
                                   const ParsedPacket& p) noexcept {
  if (!set->has_caps()) return {};
  const FlowEntry& entry = table[id];
  const FlowState* state = states.find(id);
  if (is_unasked(entry)) return set->effect_of(entry.unasked.policy).caps;
  if (state != nullptr && states.is_current(*state)) return set->effect_of(state->policy).caps;
  const bool a_is_up = (entry.flags & kUpIsA) != 0;
  const Direction opener =
      state != nullptr ? side_of(state->began_down != 0) : opener_by(p, a_is_up);
  return set->effect_of(find_policy(packet, p, a_is_up, opener)).caps;
}

PolicyPlace Classifier::Impl::policy_of(FlowId id) noexcept {
  const FlowEntry& entry = table[id];
  if (is_unasked(entry)) return entry.unasked.policy;
  const FlowState* state = states.find(id);
  return state != nullptr && states.is_current(*state) ? state->policy : kNoPolicy;
}

}  // namespace flowmark
