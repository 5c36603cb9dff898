#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "base/block_pool.h"
#include "feature/live_feature.h"
#include "flow/packet_record.h"
#include "window/window_plan.h"
#include "window/window_reader.h"

namespace flowmark {

/// The windows of one flow: its last 1024 packet records, and for each spec of the plan the state
/// that the spec's kind keeps (feature/live_feature.h). Lives in a block of the pool and grows
/// there; made and destroyed only through create and destroy. Not thread-safe.
///
/// Packets cost as little as can be: append() brings every window up to date, add() only keeps the
/// records. Kinds that draw take them when they are read (catch_up) or leave the ring (docs/adr/
/// 0004-lazy-windows.md); the others count a window from the ring when they are asked for it.
///
/// All calls take the plan and the pool that create was given.
class FlowWindows {
 public:
  static constexpr uint32_t kRingCapacity = 1024;
  /// Record times are the low 32 bits of a clock: a packet up to this much (over an hour) after the
  /// one before is taken as later, anything else as a step back.
  static constexpr uint32_t kMaxGapUs = 3'650'000'000;

  /// For a flow of which so much is known; nullptr when the pool is exhausted.
  static FlowWindows* create(const WindowPlan& plan, BlockPool& pool,
                             const FlowFacts& facts) noexcept;
  static void destroy(FlowWindows* windows, const WindowPlan& plan, BlockPool& pool) noexcept;

  /// Adds the next packet. Times that run back count as standing still.
  AppendResult append(const PacketRecord& record, const WindowPlan& plan, BlockPool& pool) noexcept;

  /// Adds the next packets, oldest first; pictures may then be behind, see catch_up(). The result
  /// is the worst of what happened on the way. Cost is bounded by the records and kCatchUpChunk.
  AppendResult add(std::span<const PacketRecord> records, const WindowPlan& plan,
                   BlockPool& pool) noexcept;

  /// Brings the pictures up to date: to be called after add() and before any function below that
  /// tells of pictures. At most so many packets at a time, see behind().
  AppendResult catch_up(const WindowPlan& plan, BlockPool& pool,
                        uint32_t most = kRingCapacity) noexcept;
  /// Packets that pictures lack.
  uint32_t behind() const noexcept { return undrawn_; }

  /// Fetches what add() will touch, first the object (0), then the ring's end (1).
  void prefetch(int step) const noexcept;

  /// Writes the sparse features of a spec as they stand. `direction` matters only where each has
  /// windows of its own. `out` is replaced. Makes a reader of its own: for tests, not for the
  /// packet path.
  void features(size_t spec, Direction direction, const WindowPlan& plan, SparseWindow& out) const;

  /// The same in pieces, for the packet path: reader.step(n, out) until it says that `out` is
  /// complete, whatever becomes of these windows meanwhile. The reader is one made for this plan.
  /// Returns packets_in_window().
  uint32_t begin_read(size_t spec, Direction direction, const WindowPlan& plan,
                      WindowReader& reader) const noexcept;

  /// Packets now in the window of a spec (of that direction for pictures; there without those that
  /// were left out).
  uint32_t packets_in_window(size_t spec, Direction direction,
                             const WindowPlan& plan) const noexcept;

  /// The newest records, oldest first: at most kRingCapacity. Two spans because the ring wraps.
  /// Times that ran back are corrected in them.
  std::pair<std::span<const PacketRecord>, std::span<const PacketRecord>> records() const noexcept;

 private:
  /// Records that pictures take at once when some of them leave the ring.
  static constexpr uint32_t kCatchUpChunk = 64;

  FlowWindows() = default;
  RecordRing ring() const noexcept;
  bool reserve_ring(uint32_t more, BlockPool& pool) noexcept;
  AppendResult make_place(uint32_t more, const WindowPlan& plan, BlockPool& pool) noexcept;
  AppendResult draw(uint32_t most, const WindowPlan& plan, BlockPool& pool) noexcept;
  void let_go(uint32_t count, const WindowPlan& plan) noexcept;
  void* state(const WindowPlan::Part& part) noexcept {
    return reinterpret_cast<std::byte*>(this) + part.offset;
  }
  const void* state(const WindowPlan::Part& part) const noexcept {
    return reinterpret_cast<const std::byte*>(this) + part.offset;
  }

  PacketRecord* ring_ = nullptr;
  uint64_t clock_us_ = 0;  ///< of the newest packet; its low 32 bits are the record's
  uint64_t drawn_us_ = 0;  ///< of the newest packet that pictures have
  uint16_t ring_capacity_ = 0;
  uint16_t ring_count_ = 0;
  uint16_t ring_next_ = 0;  ///< where the next record goes
  uint16_t undrawn_ = 0;    ///< newest records that pictures do not have yet
  bool started_ = false;
  // The specs' states follow, at the offsets in the plan's tables.
};

}  // namespace flowmark
