#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "classify/flow_event.h"

namespace flowmark {

/// The flows that have a class or a mark, as the workers' events tell of them: what a new reader of
/// the stream is told first. Bounded. One thread.
class LiveFlows {
 public:
  /// What there is to be told of an event.
  enum class News : uint8_t { none, change, end };

  /// At most `most` flows are kept; memory is taken as they come.
  explicit LiveFlows(size_t most) : most_(most) {}

  /// Takes an event in, and completes it with what was known of the flow. `now_ms`: of a clock that
  /// never runs back.
  News take(FlowEvent& event, int64_t now_ms);

  /// A flow of which no event came since `before_ms`: it is forgotten and told as an end whose
  /// event was lost. Looks at a few places a call, in turn.
  std::optional<FlowEvent> take_silent(int64_t before_ms);
  /// Any flow, likewise: for the end of the daemon, until there is none.
  std::optional<FlowEvent> take_any();

  /// Places, for walks: a flow keeps its place while it lives.
  size_t places() const noexcept { return places_.size(); }
  /// The flow in a place, if it has a class or a mark; else nullptr.
  const FlowEvent* at(size_t place) const noexcept;

  size_t size() const noexcept { return by_key_.size(); }
  /// Times that a flow found no room.
  uint64_t not_kept() const noexcept { return not_kept_; }

 private:
  struct Place {
    FlowEvent flow;
    int64_t heard_ms = 0;
    bool in_use = false;
  };
  struct KeyHash {
    HashSecret secret;
    KeyHash() : secret(HashSecret::draw()) {}
    size_t operator()(const FlowKey& key) const noexcept { return hash(key, secret); }
  };

  News insert(const FlowEvent& event, int64_t now_ms);
  FlowEvent remove(size_t place, FlowEnd reason);

  size_t most_;
  std::vector<Place> places_;
  std::vector<size_t> free_;
  std::unordered_map<FlowKey, size_t, KeyHash> by_key_;
  uint64_t not_kept_ = 0;
  size_t walk_ = 0;  ///< where take_silent() goes on
};

}  // namespace flowmark
