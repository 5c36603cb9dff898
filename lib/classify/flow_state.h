#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/block_pool.h"
#include "classify/host_groups.h"
#include "classify/model_set.h"
#include "classify/verdict.h"
#include "flow/flow_table.h"
#include "window/ask_schedule.h"
#include "window/flow_windows.h"

namespace flowmark {

/// What a flow keeps for one model of the set: when its windows are due again, and its verdict. By
/// direction where each has a window (FeatureSpec::has_directions), else the first place is the
/// flow's.
struct ModelState {
  // Two AskSchedule, packed.
  std::array<int64_t, 2> due_ms{};
  std::array<uint32_t, 2> due_packets{};
  std::array<bool, 2> asked{};
  std::array<bool, 2> queued{};  ///< waits for inference
  VerdictState verdict;

  AskSchedule schedule(size_t side) const noexcept {
    return {.due_ms = due_ms[side], .due_packets = due_packets[side], .asked = asked[side]};
  }
  void set_schedule(size_t side, const AskSchedule& next) noexcept {
    due_ms[side] = next.due_ms;
    due_packets[side] = next.due_packets;
    asked[side] = next.asked;
  }
};
static_assert(sizeof(ModelState) == 32, "two models of six classes and their flow fit 512 bytes");

/// What hangs at a flow's table entry: one block of the pool, followed by a ModelState and the
/// voted probabilities of each model, laid out by StateLayout (with two models of six classes 512
/// bytes to the last one). Records of packets wait in the entry and in `staged`; the rest is
/// touched when the flow is looked at (FlowEntry::staging says when), and records go on to the
/// windows when kStaged have come or a window is read.
struct FlowState {
  static constexpr uint32_t kStaged = 40;
  static constexpr uint16_t kNoVlan = 0x1fff;
  /// Numbers of packets stop here, so that there are greater ones that are never reached.
  static constexpr uint32_t kMostPackets = UINT32_MAX - (1U << 24);

  /// At the front, where FlowEntry::append() expects it; FlowEntry::staging has the number.
  std::array<PacketRecord, kStaged> staged;

  FlowWindows* windows = nullptr;  ///< made when the first records go on to them
  // Of all packets but those staged last, see FlowStates::count().
  TimeUs last_us = 0;                 ///< newest packet
  std::array<uint64_t, 2> bytes{};    ///< by direction
  std::array<uint32_t, 2> packets{};  ///< by direction, up to kMostPackets; see count_packets()
  std::array<uint8_t, kMaxModels> standing;  ///< each model's class, or kSetOfClasses
  uint32_t layout = 0;                       ///< StateLayout::epoch it was made for
  uint8_t counted = 0;                       ///< staged records that the numbers include
  uint8_t group = kNoGroup;                  ///< of its inside host
  PolicyPlace policy = kNoPolicy;            ///< in the models' list
  TimeUs start_us = 0;                       ///< first packet
  uint32_t serial = 0;                       ///< tells this flow from a later one with the same id

  uint32_t plan = 0;  ///< epoch of the window plan
  uint32_t block_bytes = 0;
  std::array<uint8_t, 2> left{};  ///< Staging::left when `packets` was counted
  uint16_t vlan : 13 = kNoVlan;   ///< outermost tag of the packet with which it was made
  uint16_t began_down : 1 = 0;    ///< the outside began the flow
  uint16_t live : 2 = 0;          ///< Admission::Answer that was told last (FlowNews)

  FlowState() noexcept { standing.fill(kNoClass); }

  bool has_verdict() const noexcept {
    static_assert(sizeof(standing) == sizeof(uint64_t) && kNoClass == 0xff);
    uint64_t all = 0;
    std::memcpy(&all, standing.data(), sizeof(all));
    return all != UINT64_MAX;
  }
  /// Packets of a direction that `packets` lacks: the flow is looked at before 256 have come.
  uint8_t uncounted(const Staging& staging, size_t side) const noexcept {
    return static_cast<uint8_t>(left[side] - staging.left[side]);
  }
  /// Brings `packets` up to the newest without reading the staged records.
  void count_packets(const Staging& staging) noexcept {
    for (size_t side = 0; side < 2; ++side) {
      packets[side] += std::min<uint32_t>(uncounted(staging, side), kMostPackets - packets[side]);
      left[side] = staging.left[side];
    }
  }
  uint64_t total_bytes() const noexcept { return bytes[0] + bytes[1]; }
  uint32_t total_packets() const noexcept {
    const uint64_t sum = uint64_t{packets[0]} + packets[1];
    return static_cast<uint32_t>(std::min<uint64_t>(sum, kMostPackets));
  }
};

static_assert(offsetof(FlowState, staged) == 0, "FlowEntry::append relies on it");
static_assert(offsetof(FlowState, windows) % 64 == 0, "a look at the flow starts with one line");

/// A flow's next packet is looked at: what is due may have changed (DueWindows::look).
inline void look_soon(FlowEntry& entry) noexcept {
  entry.left = 1;
}

/// Where a model set's parts lie in a FlowState's block.
struct StateLayout {
  static_assert(kMaxClasses <= 32, "a set of classes is 32 bits");
  struct Slot {
    uint32_t state = 0;  ///< byte offsets in the block
    uint32_t votes = 0;
    uint32_t classes = 0;
    uint32_t labels = 0;  ///< behind the votes of a multi-label model; else 0
  };
  uint32_t epoch = 0;
  uint32_t same_since = 0;  ///< what states of this epoch and later ones hold is right for it too
  uint32_t bytes = sizeof(FlowState);
  std::vector<Slot> slots;

  explicit StateLayout(const ModelSet* models, uint32_t epoch_number);

  ModelState& model(FlowState& state, size_t slot) const noexcept {
    return *reinterpret_cast<ModelState*>(reinterpret_cast<std::byte*>(&state) + slots[slot].state);
  }
  std::span<float> votes(FlowState& state, size_t slot) const noexcept {
    auto* first = reinterpret_cast<std::byte*>(&state) + slots[slot].votes;
    return {reinterpret_cast<float*>(first), slots[slot].classes};
  }
  bool is_multilabel(size_t slot) const noexcept { return slots[slot].labels != 0; }
  /// Bits of the classes that stand; of multi-label models only.
  uint32_t& labels(FlowState& state, size_t slot) const noexcept {
    return *reinterpret_cast<uint32_t*>(reinterpret_cast<std::byte*>(&state) + slots[slot].labels);
  }
  /// The same of any model: one bit or none if it is not multi-label.
  uint32_t standing(FlowState& state, size_t slot) const noexcept {
    if (is_multilabel(slot)) return labels(state, slot);
    const uint8_t c = model(state, slot).verdict.class_index;
    return c == kNoClass ? 0 : uint32_t{1} << c;
  }
};

/// A new state in a block of the pool, every model undecided; nullptr when the pool is exhausted.
/// Windows are not made.
FlowState* create_state(const StateLayout& layout, const ModelSet* models,
                        BlockPool& pool) noexcept;

}  // namespace flowmark
