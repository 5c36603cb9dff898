#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "classify/due_windows.h"
#include "classify/flow_states.h"
#include "support/fake_model.h"

namespace flowmark::testing {

/// One worker's flows, for tests of a part of the classifier without the others: packets come as
/// records of flows that have numbers.
class WorkerFlows final : private FlowRemovalListener {
 public:
  explicit WorkerFlows(uint64_t memory_bytes = 4u << 20, bool at_once = false)
      : table({.capacity = 1024, .timeouts = {.idle_ms = 3'600'000}}, *this),
        states({memory_bytes, false, at_once}, table, *this, *counters) {}

  void use(std::vector<ActiveModel> models) {
    sets_.push_back(std::make_unique<ModelSet>(sets_.size() + 1, std::move(models)));
    prepared = std::make_unique<PreparedModels>(sets_.back().get());
    states.use_models(*prepared);
  }
  const ModelSet* models() const { return sets_.back().get(); }
  /// Lets `due` look at each flow that has a new packet, as the classifier does.
  void feed(DueWindows& due) {
    on_record = [this, &due](FlowId id, Direction direction) {
      if (due.wants_look(table[id], direction)) due.look(id, direction, now_us);
    };
  }

  /// The flow's next packet, in a burst of its own. `step_us`: after the last packet of any flow.
  FlowId packet(uint16_t flow, TimeUs step_us = 10'000, Direction direction = Direction::up,
                uint16_t size = 200) {
    now_us += step_us;
    states.begin_burst(1);
    const FlowId id = record(flow, direction, size);
    states.end_burst();
    return id;
  }
  FlowId packets(uint16_t flow, int count) {
    FlowId id = kNoFlow;
    for (int i = 0; i < count; ++i) id = packet(flow);
    return id;
  }
  /// The same within a burst that the test begins and ends.
  FlowId record(uint16_t flow, Direction direction = Direction::up, uint16_t size = 200) {
    FlowKey key;
    key.a_port = be16_t(flow);
    const std::array keys{static_cast<const FlowKey*>(&key)};
    const std::array hashes{table.hash_of(key)};
    std::array<FlowId, 1> ids{};
    table.find_or_insert(keys, hashes, now_us, ids);
    FlowEntry& entry = table[ids[0]];
    entry.packets = static_cast<uint8_t>(entry.packets + (entry.packets < 255));
    const auto packet = make_record(static_cast<uint32_t>(now_us), size, direction, false);
    if (states.is_ready(entry) || states.make_ready(ids[0], packet, now_us)) {
      states.append(ids[0], packet);
      if (on_record) on_record(ids[0], direction);
    }
    return ids[0];
  }

  std::unique_ptr<WorkerCounters> counters = std::make_unique<WorkerCounters>();
  FlowTable table;
  FlowStates states;
  TimeUs now_us = 1'700'000'000'000'000;
  std::function<void(FlowId, Direction)> on_record;  ///< a flow's state has a new packet
  std::function<void(FlowId)> on_end;                ///< before a state goes
  std::vector<FlowId> ended;
  /// For the newest models; parts of the classifier besides `states` may take theirs.
  std::unique_ptr<PreparedModels> prepared;

 private:
  void on_remove(FlowId id, FlowEntry& entry, Removal) noexcept override {
    if (entry.state == nullptr) return;
    if (on_end) on_end(id);
    ended.push_back(id);
    states.release(entry);
  }
  std::vector<std::unique_ptr<ModelSet>> sets_;
};

}  // namespace flowmark::testing
