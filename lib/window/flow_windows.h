#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/block_pool.h"
#include "feature/feature_spec.h"
#include "feature/sparse_window.h"
#include "flow/packet_record.h"

namespace flowmark {

/// The different feature specifications that the running models need, prepared once (bin tables,
/// layout of the per-flow object). Immutable; shared by all flows of a model set.
class WindowPlan {
 public:
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
/// sliding sparse picture per direction or a sliding sparse histogram, all kept up to date packet by
/// packet. Lives in a block of the pool and grows there; made and destroyed only through create and
/// destroy. Not thread-safe. Live and offline use this same code.
///
/// A picture's origin is the flow's first packet in that direction; it slides by whole columns, so
/// that the picture at time t shows columns (c - time_bins, c] with c the newest packet's column.
class FlowWindows {
 public:
  static constexpr uint32_t kRingCapacity = 1024;
  /// A picture takes no more pixels than this; packets beyond are left out and it says so.
  static constexpr uint32_t kMaxPixels = 8192;

  enum class AppendResult : uint8_t {
    ok,
    picture_full,   ///< kMaxPixels reached: the packet is missing in a picture
    out_of_memory,  ///< the pool is exhausted: some window did not take the packet
  };

  /// nullptr when the pool is exhausted.
  static FlowWindows* create(const WindowPlan& plan, BlockPool& pool) noexcept;
  static void destroy(FlowWindows* windows, const WindowPlan& plan, BlockPool& pool) noexcept;

  /// Adds the next packet. Times that run back count as standing still.
  AppendResult append(const PacketRecord& record, const WindowPlan& plan, BlockPool& pool) noexcept;

  /// Starts the windows of one spec anew at the next packet, as if the flow had begun there, except
  /// that the inter-arrival time of the next packet still reaches back. For tiling.
  void restart(size_t spec, const WindowPlan& plan, BlockPool& pool) noexcept;

  /// Writes the sparse features of a spec as they stand. `direction` matters for pictures only.
  /// `out` is replaced; it must have the capacity reserved (max_values()) where allocation is not
  /// allowed. Values follow the spec's ValueKind.
  void features(size_t spec, Direction direction, const WindowPlan& plan,
                SparseWindow& out) const noexcept;

  /// Packets now in the window of a spec (of that direction for pictures).
  uint32_t packets_in_window(size_t spec, Direction direction, const WindowPlan& plan) const noexcept;

  /// The newest records, oldest first: at most kRingCapacity. Two spans because the ring wraps.
  std::pair<std::span<const PacketRecord>, std::span<const PacketRecord>> records() const noexcept;

  /// The most values features() can write for any spec of the plan.
  static size_t max_values(const WindowPlan& plan) noexcept;
};

}  // namespace flowmark
