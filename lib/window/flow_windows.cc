#include "window/flow_windows.h"

#include <algorithm>
#include <bit>
#include <new>
#include <type_traits>

#include "window/window_tables.h"

namespace flowmark {
namespace {

constexpr uint32_t kFirstRecords = 16;

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
  if (windows->reserve_ring(1, pool)) return windows;
  destroy(windows, plan, pool);
  return nullptr;
}

void FlowWindows::destroy(FlowWindows* windows, const WindowPlan& plan, BlockPool& pool) noexcept {
  if (windows == nullptr) return;
  for (const SpecTables& spec : plan.tables().specs) {
    if (!std::holds_alternative<PictureTables>(spec.tables)) continue;
    for (SlidingPicture& picture : windows->state<PicturePair>(spec.offset).of) {
      picture.destroy(pool);
    }
  }
  pool.release(windows->ring_, windows->ring_capacity_ * sizeof(PacketRecord));
  windows->~FlowWindows();
  pool.release(windows, plan.object_size());
}

RecordRing FlowWindows::ring() const noexcept {
  return {ring_, ring_capacity_, ring_next_, ring_count_};
}

/// Makes the ring as long as it should be for so many more records. False if memory is short.
bool FlowWindows::reserve_ring(uint32_t more, BlockPool& pool) noexcept {
  const uint32_t wanted = std::min(ring_count_ + more, kRingCapacity);
  if (wanted <= ring_capacity_) return true;
  const uint32_t capacity = std::max(kFirstRecords, std::bit_ceil(wanted));
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

/// Makes place in the ring for `more` records, at most its capacity: old ones go.
FlowWindows::AppendResult FlowWindows::make_place(uint32_t more, const WindowPlan& plan,
                                                  BlockPool& pool) noexcept {
  AppendResult result = AppendResult::ok;
  const uint32_t total = ring_count_ + more;
  if (total <= ring_capacity_) return result;
  const uint32_t leaving = total - ring_capacity_;
  const uint32_t drawn = uint32_t{ring_count_} - undrawn_;
  if (leaving > drawn) {
    result = draw(std::max(leaving - drawn, kCatchUpChunk), plan, pool);
  }
  let_go(leaving, plan);
  return result;
}

/// The oldest records leave the ring; histograms remember what they have to.
void FlowWindows::let_go(uint32_t count, const WindowPlan& plan) noexcept {
  const uint32_t first = (uint32_t{ring_next_} - ring_count_) & (ring_capacity_ - 1U);
  const uint32_t until_end = std::min(count, ring_capacity_ - first);
  for (const SpecTables& spec : plan.tables().specs) {
    const auto* histogram = std::get_if<HistogramTables>(&spec.tables);
    if (histogram == nullptr) continue;
    auto& sliding = state<SlidingHistogram>(spec.offset);
    sliding.leave({ring_ + first, until_end}, *histogram);
    sliding.leave({ring_, count - until_end}, *histogram);
  }
  ring_count_ = static_cast<uint16_t>(ring_count_ - count);
}

FlowWindows::AppendResult FlowWindows::add(std::span<const PacketRecord> records,
                                           const WindowPlan& plan, BlockPool& pool) noexcept {
  AppendResult result = AppendResult::ok;
  while (!records.empty()) {
    const auto most = static_cast<uint32_t>(std::min<size_t>(records.size(), kRingCapacity));
    if (!reserve_ring(most, pool)) result = AppendResult::out_of_memory;
    const auto part = records.first(std::min<size_t>(records.size(), ring_capacity_));
    records = records.subspan(part.size());
    const auto count = static_cast<uint32_t>(part.size());
    result = std::max(result, make_place(count, plan, pool));
    if (!started_) clock_us_ = drawn_us_ = part[0].time_us;
    started_ = true;
    for (const PacketRecord& record : part) {
      clock_us_ += time_after(static_cast<uint32_t>(clock_us_), record.time_us);
      PacketRecord& kept = ring_[ring_next_];
      kept = record;
      kept.time_us = static_cast<uint32_t>(clock_us_);
      kept.direction &= 1;
      ring_next_ = static_cast<uint16_t>((ring_next_ + 1U) & (ring_capacity_ - 1U));
    }
    ring_count_ = static_cast<uint16_t>(ring_count_ + count);
    undrawn_ = static_cast<uint16_t>(undrawn_ + count);
    for (const SpecTables& spec : plan.tables().specs) {
      const auto* histogram = std::get_if<HistogramTables>(&spec.tables);
      if (histogram == nullptr) continue;
      state<SlidingHistogram>(spec.offset).added(count, ring_count_, *histogram);
    }
  }
  return result;
}

/// Gives the oldest undrawn records, `most` at most, to the pictures.
FlowWindows::AppendResult FlowWindows::draw(uint32_t most, const WindowPlan& plan,
                                            BlockPool& pool) noexcept {
  using Added = SlidingPicture::Added;
  const uint32_t count = std::min<uint32_t>(most, undrawn_);
  if (count == 0) return AppendResult::ok;
  const RecordRing all = ring();
  const uint32_t begin = uint32_t{ring_count_} - undrawn_;
  AppendResult result = AppendResult::ok;
  uint64_t newest_us = drawn_us_;
  for (const SpecTables& spec : plan.tables().specs) {
    const auto* picture = std::get_if<PictureTables>(&spec.tables);
    if (picture == nullptr) continue;
    auto& pair = state<PicturePair>(spec.offset);
    uint64_t time_us = drawn_us_;
    for (uint32_t i = begin; i < begin + count; ++i) {
      const PacketRecord& record = all[i];
      time_us += record.time_us - static_cast<uint32_t>(time_us);
      const auto added =
          pair.of[record.direction].append(time_us, record.size, kMaxPixels, *picture, pool);
      if (added == Added::out_of_memory) result = AppendResult::out_of_memory;
      if (added == Added::full) result = std::max(result, AppendResult::picture_full);
    }
    newest_us = time_us;
  }
  if (newest_us == drawn_us_) {  // no picture, or no time has passed
    for (uint32_t i = begin; i < begin + count; ++i) {
      newest_us += all[i].time_us - static_cast<uint32_t>(newest_us);
    }
  }
  drawn_us_ = newest_us;
  undrawn_ = static_cast<uint16_t>(undrawn_ - count);
  return result;
}

FlowWindows::AppendResult FlowWindows::catch_up(const WindowPlan& plan, BlockPool& pool,
                                                uint32_t most) noexcept {
  return draw(most, plan, pool);
}

FlowWindows::AppendResult FlowWindows::append(const PacketRecord& record, const WindowPlan& plan,
                                              BlockPool& pool) noexcept {
  const AppendResult added = add({&record, 1}, plan, pool);
  return std::max(added, catch_up(plan, pool));
}

void FlowWindows::prefetch(int step) const noexcept {
  constexpr uint32_t kRecordsALine = 64 / sizeof(PacketRecord);
  constexpr uint32_t kMostAtOnce = 48;
  if (step == 0) {
    __builtin_prefetch(this, 1);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(this) + 64, 1);
  } else {
    for (uint32_t at = 0; at < kMostAtOnce; at += kRecordsALine) {
      __builtin_prefetch(ring_ + ((ring_next_ + at) & (ring_capacity_ - 1U)), 1);
    }
  }
}

void FlowWindows::restart(size_t spec, const WindowPlan& plan, BlockPool& pool) noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  if (std::holds_alternative<HistogramTables>(tables.tables)) {
    state<SlidingHistogram>(tables.offset).clear();
    return;
  }
  catch_up(plan, pool);  // for the other pictures
  for (SlidingPicture& picture : state<PicturePair>(tables.offset).of) {
    picture.destroy(pool);
    picture = SlidingPicture();
  }
}

void FlowWindows::set_origin(uint32_t time_us, const WindowPlan& plan) noexcept {
  clock_us_ = drawn_us_ = time_us;
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
  if (!std::holds_alternative<HistogramTables>(tables.tables)) return;
  state<SlidingHistogram>(tables.offset).keep_newest(packets);
}

void FlowWindows::clear_pixels(size_t spec, Direction direction, const WindowPlan& plan,
                               BlockPool& pool) noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  if (!std::holds_alternative<PictureTables>(tables.tables)) return;
  catch_up(plan, pool);
  state<PicturePair>(tables.offset).of[static_cast<size_t>(direction)].clear_pixels(pool);
}

void FlowWindows::features(size_t spec, Direction direction, const WindowPlan& plan,
                           SparseWindow& out) const noexcept {
  thread_local WindowReader reader;
  begin_read(spec, direction, plan, reader);
  while (!reader.step(UINT32_MAX, plan.tables().specs[spec].values, out)) {
  }
}

uint32_t FlowWindows::begin_read(size_t spec, Direction direction, const WindowPlan& plan,
                                 WindowReader& reader) const noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  const auto* histogram = std::get_if<HistogramTables>(&tables.tables);
  reader.is_picture = histogram == nullptr;
  if (histogram != nullptr) {
    const auto& sliding = state<SlidingHistogram>(tables.offset);
    return sliding.copy_to(reader.histogram, ring(), *histogram);
  }
  const auto& picture = state<PicturePair>(tables.offset).of[static_cast<size_t>(direction)];
  picture.copy_to(reader.picture, *std::get_if<PictureTables>(&tables.tables));
  return picture.packets();
}

uint32_t FlowWindows::packets_in_window(size_t spec, Direction direction,
                                        const WindowPlan& plan) const noexcept {
  const SpecTables& tables = plan.tables().specs[spec];
  if (const auto* histogram = std::get_if<HistogramTables>(&tables.tables)) {
    return state<SlidingHistogram>(tables.offset).packets(ring(), *histogram);
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
