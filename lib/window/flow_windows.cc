#include "window/flow_windows.h"

#include <algorithm>
#include <bit>
#include <new>

namespace flowmark {
namespace {

constexpr uint32_t kFirstRecords = 16;

/// The time since `before` on a clock of 32 bits; 0 for a step back.
uint32_t time_after(uint32_t before, uint32_t now) noexcept {
  const uint32_t gap = now - before;
  return gap > FlowWindows::kMaxGapUs ? 0 : gap;
}

}  // namespace

FlowWindows* FlowWindows::create(const WindowPlan& plan, BlockPool& pool,
                                 const FlowFacts& facts) noexcept {
  void* block = pool.allocate(plan.object_bytes());
  if (block == nullptr) return nullptr;
  auto* windows = new (block) FlowWindows();
  // First all states, empty, so that destroy finds them if one of them gets no memory.
  for (const WindowPlan::Part& part : plan.parts()) part.live->create(windows->state(part), facts);
  if (windows->reserve_ring(1, pool)) return windows;
  destroy(windows, plan, pool);
  return nullptr;
}

void FlowWindows::destroy(FlowWindows* windows, const WindowPlan& plan, BlockPool& pool) noexcept {
  if (windows == nullptr) return;
  for (const WindowPlan::Part& part : plan.parts()) {
    part.live->destroy(windows->state(part), pool);
  }
  pool.release(windows->ring_, windows->ring_capacity_ * sizeof(PacketRecord));
  windows->~FlowWindows();
  pool.release(windows, plan.object_bytes());
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
AppendResult FlowWindows::make_place(uint32_t more, const WindowPlan& plan,
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
  for (const WindowPlan::Part& part : plan.parts()) {
    part.live->leave(state(part), {ring_ + first, until_end});
    part.live->leave(state(part), {ring_, count - until_end});
  }
  ring_count_ = static_cast<uint16_t>(ring_count_ - count);
}

AppendResult FlowWindows::add(std::span<const PacketRecord> records, const WindowPlan& plan,
                              BlockPool& pool) noexcept {
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
    for (const WindowPlan::Part& spec : plan.parts()) {
      spec.live->added(state(spec), count, ring_count_);
    }
  }
  return result;
}

/// Gives the oldest undrawn records, `most` at most, to the windows that draw.
AppendResult FlowWindows::draw(uint32_t most, const WindowPlan& plan, BlockPool& pool) noexcept {
  const uint32_t count = std::min<uint32_t>(most, undrawn_);
  if (count == 0) return AppendResult::ok;
  const RecordRing all = ring();
  const uint32_t begin = uint32_t{ring_count_} - undrawn_;
  AppendResult result = AppendResult::ok;
  for (const WindowPlan::Part& part : plan.parts()) {
    if (!part.live->draws()) continue;
    result = std::max(result, part.live->draw(state(part), all, begin, count, drawn_us_, pool));
  }
  for (uint32_t i = begin; i < begin + count; ++i) {
    drawn_us_ += all[i].time_us - static_cast<uint32_t>(drawn_us_);
  }
  undrawn_ = static_cast<uint16_t>(undrawn_ - count);
  return result;
}

AppendResult FlowWindows::catch_up(const WindowPlan& plan, BlockPool& pool,
                                   uint32_t most) noexcept {
  return draw(most, plan, pool);
}

AppendResult FlowWindows::append(const PacketRecord& record, const WindowPlan& plan,
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

void FlowWindows::features(size_t spec, Direction direction, const WindowPlan& plan,
                           SparseWindow& out) const {
  WindowReader reader(plan);
  begin_read(spec, direction, plan, reader);
  while (!reader.step(UINT32_MAX, out)) {
  }
}

uint32_t FlowWindows::begin_read(size_t spec, Direction direction, const WindowPlan& plan,
                                 WindowReader& reader) const noexcept {
  const WindowPlan::Part& part = plan.parts()[spec];
  return part.live->begin_read(state(part), direction, ring(), reader.of(spec));
}

uint32_t FlowWindows::packets_in_window(size_t spec, Direction direction,
                                        const WindowPlan& plan) const noexcept {
  const WindowPlan::Part& part = plan.parts()[spec];
  return part.live->packets(state(part), direction, ring());
}

std::pair<std::span<const PacketRecord>, std::span<const PacketRecord>> FlowWindows::records()
    const noexcept {
  const uint32_t first = (uint32_t{ring_next_} - ring_count_) & (ring_capacity_ - 1U);
  const uint32_t until_end = std::min<uint32_t>(ring_count_, ring_capacity_ - first);
  return {{ring_ + first, until_end}, {ring_, ring_count_ - until_end}};
}

}  // namespace flowmark
