#include "daemon/flowmarkd/stream/live_flows.h"

#include <algorithm>

namespace flowmark {
namespace {

bool has_class_or_mark(const FlowEvent& flow) noexcept {
  return flow.class_index != kNoClass || flow.mark != kNoMark || flow.mark_to_lan != kNoMark;
}

/// What an event does not know is as it was.
void complete(FlowEvent& event, const FlowEvent& known) noexcept {
  event.began_down = known.began_down;  // said first, it is right: a state made anew may be wrong
  if (!event.knows_numbers) {
    event.start_us = known.start_us;
    event.last_us = known.last_us;
    event.packets = known.packets;
    event.bytes = known.bytes;
    event.vlan = known.vlan;
    event.knows_numbers = known.knows_numbers;
  }
  if (!event.knows_verdict) {
    event.generation = known.generation;
    event.model = known.model;
    event.class_index = known.class_index;
    event.labels = known.labels;
    event.confidence = known.confidence;
    event.knows_verdict = known.knows_verdict;
  }
}

bool differs(const FlowEvent& a, const FlowEvent& b) noexcept {
  return a.class_index != b.class_index || a.mark != b.mark || a.mark_to_lan != b.mark_to_lan ||
         a.labels != b.labels || a.model != b.model || a.generation != b.generation;
}

}  // namespace

LiveFlows::News LiveFlows::take(FlowEvent& event, int64_t now_ms) {
  const auto found = by_key_.find(event.key);
  const bool has_ended = event.kind == FlowEvent::Kind::ended;
  if (found == by_key_.end()) {
    if (!event.knows_numbers) event.start_us = event.last_us = event.time_us;
    if (has_ended) return News::end;
    return has_class_or_mark(event) ? insert(event, now_ms) : News::change;
  }
  Place& place = places_[found->second];
  complete(event, place.flow);
  if (has_ended) {
    remove(found->second, event.end);
    return News::end;
  }
  const bool is_news = differs(event, place.flow);
  if (!has_class_or_mark(event)) {
    remove(found->second, FlowEnd::idle);
    return News::change;
  }
  place.flow = event;
  place.heard_ms = now_ms;
  return is_news ? News::change : News::none;
}

// A flow that finds no room is told of when it changes; its refreshed numbers are no news.
LiveFlows::News LiveFlows::insert(const FlowEvent& event, int64_t now_ms) {
  if (by_key_.size() >= most_) {
    if (event.kind != FlowEvent::Kind::changed) return News::none;
    ++not_kept_;
    return News::change;
  }
  if (free_.empty()) {
    free_.push_back(places_.size());
    places_.emplace_back();
  }
  const size_t place = free_.back();
  by_key_.emplace(event.key, place);
  free_.pop_back();
  places_[place] = {event, now_ms, true};
  return News::change;
}

FlowEvent LiveFlows::remove(size_t place, FlowEnd reason) {
  FlowEvent flow = places_[place].flow;
  places_[place].in_use = false;
  free_.push_back(place);
  by_key_.erase(flow.key);
  flow.kind = FlowEvent::Kind::ended;
  flow.end = reason;
  return flow;
}

std::optional<FlowEvent> LiveFlows::take_silent(int64_t before_ms) {
  constexpr size_t kLooks = 256;
  for (size_t i = 0; i < std::min(kLooks, places_.size()); ++i) {
    walk_ = (walk_ + 1) % places_.size();
    const Place& place = places_[walk_];
    if (place.in_use && place.heard_ms < before_ms) return remove(walk_, FlowEnd::lost);
  }
  return std::nullopt;
}

std::optional<FlowEvent> LiveFlows::take_any() {
  if (by_key_.empty()) return std::nullopt;
  return remove(by_key_.begin()->second, FlowEnd::stopped);
}

const FlowEvent* LiveFlows::at(size_t place) const noexcept {
  const Place& at = places_[place];
  return at.in_use && has_class_or_mark(at.flow) ? &at.flow : nullptr;
}

}  // namespace flowmark
