#include "window/flow_windows.h"

#include <algorithm>
#include <new>
#include <type_traits>

#include "window/window_tables.h"

namespace flowmark {
namespace {

constexpr uint32_t kFirstRecords = 8;

static_assert(std::is_trivially_destructible_v<PicturePair>);
static_assert(std::is_trivially_destructible_v<SlidingHistogram>);
static_assert(FlowWindows::kMaxPixels * sizeof(uint64_t) <= BlockPool::kMaxBlock);
static_assert((FlowWindows::kMaxPixels & (FlowWindows::kMaxPixels - 1)) == 0);

/// The time since `before` on a clock of 32 bits; 0 for a step back.
uint32_t time_after(uint32_t before, uint32_t now) noexcept {
  const uint32_t gap = now - before;
  return gap > FlowWindows::kMaxGapUs ? 0 : gap;
}

}  // namespace

template <typename State>
State& FlowWindows::state(size_t offset) noexcept {
  return *std::launder(reinterpret_cast<State*>(reinterpret_cast<std::byte*>(this) + offset));
}

template <typename State>
const State& FlowWindows::state(size_t offset) const noexcept {
  return *std::launder(
      reinterpret_cast<const State*>(reinterpret_cast<const std::byte*>(this) + offset));
}

FlowWindows* FlowWindows::create(const WindowPlan& plan, BlockPool& pool) noexcept {
  void* block = pool.allocate(plan.object_size());
  if (block == nullptr) return nullptr;
  auto* windows = new (block) FlowWindows();
  auto* bytes = static_cast<std::byte*>(block);
  // First all states, empty, so that destroy finds them if one of them gets no memory.
  for (const SpecTables& spec : plan.tables().specs) {
    if (std::holds_alternative<PictureTables>(spec.tables)) {
      new (bytes + spec.offset) PicturePair();
    } else {
      new (bytes + spec.offset) SlidingHistogram();
    }
  }
  bool has_all = windows->reserve_ring(pool);
  for (const SpecTables& spec : plan.tables().specs) {
    const auto* histogram = std::get_if<HistogramTables>(&spec.tables);
    if (histogram == nullptr) continue;
    has_all &= windows->state<SlidingHistogram>(spec.offset).create(*histogram, pool);
  }
  if (has_all) return windows;
  destroy(windows, plan, pool);
  return nullptr;
}

void FlowWindows::destroy(FlowWindows* windows, const WindowPlan& plan, BlockPool& pool) noexcept {
  if (windows == nullptr) return;
  for (const SpecTables& spec : plan.tables().specs) {
    if (const auto* histogram = std::get_if<HistogramTables>(&spec.tables)) {
      windows->state<SlidingHistogram>(spec.offset).destroy(*histogram, pool);
    } else {
      for (SlidingPicture& picture : windows->state<PicturePair>(spec.offset).of) {
        picture.destroy(pool);
      }
    }
  }
  pool.release(windows->ring_, windows->ring_capacity_ * sizeof(PacketRecord));
  windows->~FlowWindows();
  pool.release(windows, plan.object_size());
}

/// Room for one more record; false if that is the oldest one's although the ring may be longer.
bool FlowWindows::reserve_ring(BlockPool& pool) noexcept {
  if (ring_count_ < ring_capacity_ || ring_capacity_ == kRingCapacity) return true;
  const uint32_t capacity = ring_capacity_ == 0 ? kFirstRecords : ring_capacity_ * 2U;
  auto* grown = static_cast<PacketRecord*>(pool.allocate(capacity * sizeof(PacketRecord)));
  if (grown == nullptr) return false;
  const auto [older, newer] = records();
  std::copy(newer.begin(), newer.end(), std::copy(older.begin(), older.end(), grown));
  pool.release(ring_, ring_capacity_ * sizeof(PacketRecord));
  ring_ = grown;
  ring_capacity_ = static_cast<uint16_t>(capacity);
  ring_next_ = ring_count_;
  return true;
}

FlowWindows::AppendResult FlowWindows::append(const PacketRecord& record, const WindowPlan& plan,
                                              BlockPool& pool) noexcept {
  if (!started_) clock_us_ = record.time_us;
  started_ = true;
  const uint32_t gap_us = time_after(static_cast<uint32_t>(clock_us_), record.time_us);
  clock_us_ += gap_us;
  PacketRecord kept = record;
  kept.time_us = static_cast<uint32_t>(clock_us_);
  kept.direction &= 1;

  AppendResult result = reserve_ring(pool) ? AppendResult::ok : AppendResult::out_of_memory;
  const RecordRing ring{ring_, ring_capacity_, ring_next_};
  for (const SpecTables& spec : plan.tables().specs) {
    if (const auto* histogram = std::get_if<HistogramTables>(&spec.tables)) {
      auto& sliding = state<SlidingHistogram>(spec.offset);
      if (!sliding.append(kept, gap_us, ring, *histogram, pool)) {
        result = AppendResult::out_of_memory;
      }
      continue;
    }
    const auto& picture = *std::get_if<PictureTables>(&spec.tables);
    SlidingPicture& sliding = state<PicturePair>(spec.offset).of[kept.direction];
    const auto added = sliding.append(clock_us_, kept.size, kMaxPixels, picture, pool);
    if (added == SlidingPicture::Added::out_of_memory) {
      result = AppendResult::out_of_memory;
    } else if (added == SlidingPicture::Added::full && result == AppendResult::ok) {
      result = AppendResult::picture_full;
    }
  }
  ring_[ring_next_] = kept;
  ring_next_ = static_cast<uint16_t>((ring_next_ + 1U) & (ring_capacity_ - 1U));
  if (ring_count_ < ring_capacity_) ++ring_count_;
  return result;
}

void FlowWindows::restart(size_t spec, const WindowPlan& plan, BlockPool& pool) noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  if (const auto* histogram = std::get_if<HistogramTables>(&tables.tables)) {
    state<SlidingHistogram>(tables.offset).clear(*histogram);
    return;
  }
  for (SlidingPicture& picture : state<PicturePair>(tables.offset).of) {
    picture.destroy(pool);
    picture = SlidingPicture();
  }
}

void FlowWindows::set_origin(uint32_t time_us, const WindowPlan& plan) noexcept {
  clock_us_ = time_us;
  started_ = true;
  for (const SpecTables& spec : plan.tables().specs) {
    if (!std::holds_alternative<PictureTables>(spec.tables)) continue;
    for (SlidingPicture& picture : state<PicturePair>(spec.offset).of) {
      picture.set_origin(clock_us_);
    }
  }
}

void FlowWindows::keep_newest(size_t spec, uint32_t packets, const WindowPlan& plan) noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  const auto* histogram = std::get_if<HistogramTables>(&tables.tables);
  if (histogram == nullptr) return;
  const RecordRing ring{ring_, ring_capacity_, ring_next_};
  state<SlidingHistogram>(tables.offset).keep_newest(packets, ring, *histogram);
}

void FlowWindows::clear_pixels(size_t spec, Direction direction, const WindowPlan& plan,
                               BlockPool& pool) noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  if (!std::holds_alternative<PictureTables>(tables.tables)) return;
  state<PicturePair>(tables.offset).of[static_cast<size_t>(direction)].clear_pixels(pool);
}

void FlowWindows::features(size_t spec, Direction direction, const WindowPlan& plan,
                           SparseWindow& out) const noexcept {
  PictureReader reader;
  if (begin_read(spec, direction, plan, reader, out)) return;
  while (!reader.step(UINT32_MAX, plan.tables().specs[spec].values, out)) {
  }
}

bool FlowWindows::begin_read(size_t spec, Direction direction, const WindowPlan& plan,
                             PictureReader& reader, SparseWindow& out) const noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  if (const auto* histogram = std::get_if<HistogramTables>(&tables.tables)) {
    state<SlidingHistogram>(tables.offset).features(tables.values, *histogram, out);
    return true;
  }
  state<PicturePair>(tables.offset)
      .of[static_cast<size_t>(direction)]
      .copy_to(reader, *std::get_if<PictureTables>(&tables.tables));
  return false;
}

uint32_t FlowWindows::packets_in_window(size_t spec, Direction direction,
                                        const WindowPlan& plan) const noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  if (std::holds_alternative<HistogramTables>(tables.tables)) {
    return state<SlidingHistogram>(tables.offset).packets();
  }
  return state<PicturePair>(tables.offset).of[static_cast<size_t>(direction)].packets();
}

uint32_t FlowWindows::pixels(size_t spec, Direction direction,
                             const WindowPlan& plan) const noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  if (std::holds_alternative<HistogramTables>(tables.tables)) return 0;
  return state<PicturePair>(tables.offset).of[static_cast<size_t>(direction)].pixels();
}

std::pair<std::span<const PacketRecord>, std::span<const PacketRecord>> FlowWindows::records()
    const noexcept {
  const uint32_t first = (uint32_t{ring_next_} - ring_count_) & (ring_capacity_ - 1U);
  const uint32_t until_end = std::min<uint32_t>(ring_count_, ring_capacity_ - first);
  return {{ring_ + first, until_end}, {ring_, ring_count_ - until_end}};
}

size_t FlowWindows::max_values(const WindowPlan& plan) noexcept {
  return plan.tables().max_values;
}

}  // namespace flowmark
