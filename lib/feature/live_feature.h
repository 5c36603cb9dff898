#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/block_pool.h"
#include "feature/sparse_window.h"
#include "flow/flow_facts.h"
#include "flow/record_ring.h"

namespace flowmark {

/// What became of packets that windows were given; the worst comes last.
enum class AppendResult : uint8_t {
  ok,
  window_full,    ///< a window holds as much as it can: the packet is missing in it
  out_of_memory,  ///< the pool is exhausted: the packet is missing in a window, or the ring was cut
                  ///< to what fits, oldest packets first
};

/// Reads windows of one specification out, in pieces: a window may take longer than a slice of
/// inference may. It works on a copy, so that packets may go on coming. One per thread.
class FeatureReader {
 public:
  virtual ~FeatureReader() = default;
  /// Works on about so many pixels, or what takes as long. True when `out` (the same in every step,
  /// with room for LiveFeature::most_values) is complete. Allocates nothing.
  virtual bool step(uint32_t pieces, SparseWindow& out) noexcept = 0;
};

/// The windows of live flows for one specification: tables that all flows share, and what to do
/// with the state that each flow keeps. Immutable. A state is plain memory of state_bytes(),
/// aligned as pointers are, trivially movable never, destroyed by destroy() alone.
///
/// Packets cost as little as can be (docs/adr/0004-lazy-windows.md): a flow keeps its newest
/// records in a ring, and a kind says what it needs beyond that. One that counts its windows from
/// the ring is told what comes and goes (added, leave). One that keeps more than the ring holds
/// draws the records into its state, in order, at the latest when they leave the ring (draw).
///
/// All but the constructor and make_reader() are the packet path: nothing allocates but from the
/// pool.
class LiveFeature {
 public:
  virtual ~LiveFeature() = default;

  virtual size_t state_bytes() const noexcept = 0;
  /// The most values that a window has.
  virtual size_t most_values() const noexcept = 0;
  /// Whether draw() is to be called.
  virtual bool draws() const noexcept { return false; }

  /// A flow begins.
  virtual void create(void* state, const FlowFacts& facts) const noexcept = 0;
  virtual void destroy(void* /*state*/, BlockPool& /*pool*/) const noexcept {}

  /// `count` records were added to the ring, which now holds `held`.
  virtual void added(void* /*state*/, uint32_t /*count*/, uint32_t /*held*/) const noexcept {}
  /// These records leave the ring, the oldest first.
  virtual void leave(void* /*state*/, std::span<const PacketRecord> /*records*/) const noexcept {}
  /// Takes the records [begin, begin + count) of the ring. `before_us`: the flow's 64-bit clock at
  /// the record before them.
  virtual AppendResult draw(void* /*state*/, const RecordRing& /*ring*/, uint32_t /*begin*/,
                            uint32_t /*count*/, uint64_t /*before_us*/,
                            BlockPool& /*pool*/) const noexcept {
    return AppendResult::ok;
  }

  /// Packets now in the window; `direction` matters only where each has its own.
  virtual uint32_t packets(const void* state, Direction direction,
                           const RecordRing& ring) const noexcept = 0;
  /// Hands the window to a reader that make_reader() made. Returns packets().
  virtual uint32_t begin_read(const void* state, Direction direction, const RecordRing& ring,
                              FeatureReader& reader) const noexcept = 0;
  virtual std::unique_ptr<FeatureReader> make_reader() const = 0;
};

}  // namespace flowmark
