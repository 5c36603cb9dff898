#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/block_pool.h"
#include "feature/feature_spec.h"
#include "feature/sparse_window.h"
#include "flow/packet_record.h"
#include "window/window_reader.h"

namespace flowmark {

struct RecordRing;

/// The different feature specifications that the running models need, prepared once (bin tables,
/// layout of the per-flow object). Immutable; shared by all flows of a model set.
class WindowPlan {
 public:
  /// Throws Error if a specification does not pass FeatureSpec::check, or there are too many (more
  /// than some hundreds).
  explicit WindowPlan(std::vector<FeatureSpec> specs);
  ~WindowPlan();

  /// Specs without duplicates, in order of first appearance.
  const std::vector<FeatureSpec>& specs() const noexcept { return specs_; }
  /// Index into specs() of a spec given to the constructor. Throws Error if it was not.
  size_t index_of(const FeatureSpec& spec) const;
  /// Bytes of a FlowWindows object made for this plan.
  size_t object_size() const noexcept;

  struct Tables;
  const Tables& tables() const noexcept { return *tables_; }

 private:
  std::vector<FeatureSpec> specs_;
  std::unique_ptr<Tables> tables_;
};

/// The windows of one flow: the last 1024 packet records, and for each spec of the plan either a
/// sliding sparse picture per direction or a sliding histogram. Lives in a block of the pool and
/// grows there; made and destroyed only through create and destroy. Not thread-safe. Live and
/// offline use this same code.
///
/// Packets cost as little as can be: append() brings every window up to date, add() only keeps the
/// records, pictures take them when they are read (catch_up) or leave the ring (docs/adr/
/// 0004-lazy-windows.md). Histograms are counted when they are asked for.
///
/// A picture's origin is the flow's first packet in that direction; it slides by whole columns, so
/// that the picture at time t shows columns (c - time_bins, c] with c the column of the direction's
/// newest packet; until c reaches time_bins, columns [0, time_bins). Columns are counted exactly,
/// in whole numbers, however long the flow lives.
///
/// All calls take the plan and the pool that create was given.
class FlowWindows {
 public:
  static constexpr uint32_t kRingCapacity = 1024;
  /// A picture takes no more pixels than this; packets beyond are left out and it says so.
  static constexpr uint32_t kMaxPixels = 8192;
  /// Record times are the low 32 bits of a clock: a packet up to this much (over an hour) after the
  /// one before is taken as later, anything else as a step back.
  static constexpr uint32_t kMaxGapUs = 3'650'000'000;

  enum class AppendResult : uint8_t {
    ok,
    picture_full,   ///< kMaxPixels reached: the packet is missing in a picture
    out_of_memory,  ///< the pool is exhausted: the packet is missing in a picture, or the ring and
                    ///< packet windows were cut to what fits, oldest packets first
  };

  /// nullptr when the pool is exhausted.
  static FlowWindows* create(const WindowPlan& plan, BlockPool& pool) noexcept;
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

  /// Empties the windows of one spec. Pictures start anew, each direction's at its next packet.
  /// Histograms stay aware of what went before: the next packet's inter-arrival time, burst and
  /// surge reach back.
  void restart(size_t spec, const WindowPlan& plan, BlockPool& pool) noexcept;

  /// Before the first append: pictures begin at this time (low 32 bits) in both directions.
  void set_origin(uint32_t time_us, const WindowPlan& plan) noexcept;

  /// Of a histogram's window leaves the newest `packets` packets.
  void keep_newest(size_t spec, uint32_t packets, const WindowPlan& plan) noexcept;

  /// Empties one picture; its columns go on counting from the same origin.
  void clear_pixels(size_t spec, Direction direction, const WindowPlan& plan,
                    BlockPool& pool) noexcept;

  /// Writes the sparse features of a spec as they stand. `direction` matters for pictures only.
  /// `out` is replaced; it must have the capacity reserved (max_values()) where allocation is not
  /// allowed. Values follow the spec's ValueKind.
  void features(size_t spec, Direction direction, const WindowPlan& plan,
                SparseWindow& out) const noexcept;

  /// The same in pieces, for the packet path: reader.step(n, values, out) until it says that `out`
  /// is complete, whatever becomes of these windows meanwhile. Returns packets_in_window().
  uint32_t begin_read(size_t spec, Direction direction, const WindowPlan& plan,
                      WindowReader& reader) const noexcept;

  /// Packets now in the window of a spec (of that direction for pictures; there without those that
  /// were left out).
  uint32_t packets_in_window(size_t spec, Direction direction,
                             const WindowPlan& plan) const noexcept;

  /// Pixels now in a picture.
  uint32_t pixels(size_t spec, Direction direction, const WindowPlan& plan) const noexcept;

  /// The newest records, oldest first: at most kRingCapacity. Two spans because the ring wraps.
  /// Times that ran back are corrected in them.
  std::pair<std::span<const PacketRecord>, std::span<const PacketRecord>> records() const noexcept;

  /// The most values features() can write for any spec of the plan.
  static size_t max_values(const WindowPlan& plan) noexcept;

 private:
  /// Records that pictures take at once when some of them leave the ring.
  static constexpr uint32_t kCatchUpChunk = 64;

  FlowWindows() = default;
  RecordRing ring() const noexcept;
  bool reserve_ring(uint32_t more, BlockPool& pool) noexcept;
  AppendResult make_place(uint32_t more, const WindowPlan& plan, BlockPool& pool) noexcept;
  AppendResult draw(uint32_t most, const WindowPlan& plan, BlockPool& pool) noexcept;
  void let_go(uint32_t count, const WindowPlan& plan) noexcept;
  template <typename State>
  State& state(size_t offset) noexcept;
  template <typename State>
  const State& state(size_t offset) const noexcept;

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
