#include "window/bin_counts.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace flowmark {
namespace {

constexpr uint32_t kFirstLog2Slots = 4;

}  // namespace

size_t BinCounts::bytes(uint32_t length) const noexcept {
  return is_dense() ? size_t{length} * sizeof(uint16_t) : sizeof(uint32_t) << log2_slots_;
}

bool BinCounts::create(uint32_t length, BlockPool& pool) noexcept {
  used_ = 0;
  const bool is_small = length * sizeof(uint16_t) <= sizeof(uint32_t) << kFirstLog2Slots;
  log2_slots_ = is_small ? 0 : kFirstLog2Slots;
  slots_ = static_cast<uint32_t*>(pool.allocate(bytes(length)));
  if (slots_ == nullptr) return false;
  clear(length);
  return true;
}

void BinCounts::destroy(uint32_t length, BlockPool& pool) noexcept {
  pool.release(slots_, bytes(length));
  slots_ = nullptr;
}

void BinCounts::clear(uint32_t length) noexcept {
  std::memset(slots_, 0, bytes(length));
  used_ = 0;
}

bool BinCounts::reserve(uint32_t more, uint32_t length, BlockPool& pool) noexcept {
  const uint32_t count = 1U << log2_slots_;
  if (is_dense() || used_ + more <= count - count / 4) return true;
  BinCounts grown;
  grown.log2_slots_ = static_cast<uint8_t>(log2_slots_ + 1);
  if (grown.bytes(length) >= length * sizeof(uint16_t)) grown.log2_slots_ = 0;
  grown.slots_ = static_cast<uint32_t*>(pool.allocate(grown.bytes(length)));
  if (grown.slots_ == nullptr) return false;
  grown.clear(length);
  for (uint32_t i = 0; i < count; ++i) {
    if (slots_[i] == 0) continue;
    if (grown.is_dense()) {
      grown.dense_[slots_[i] >> 16] = static_cast<uint16_t>(slots_[i]);
    } else {
      grown.insert(slots_[i]);
    }
  }
  destroy(length, pool);
  *this = grown;
  return true;
}

void BinCounts::insert(uint32_t slot) noexcept {
  const uint32_t mask = (1U << log2_slots_) - 1;
  uint32_t at = home(slot >> 16);
  while (slots_[at] != 0) at = (at + 1) & mask;
  slots_[at] = slot;
  ++used_;
}

void BinCounts::add(uint32_t bin) noexcept {
  if (is_dense()) {
    ++dense_[bin];
    return;
  }
  const uint32_t mask = (1U << log2_slots_) - 1;
  uint32_t at = home(bin);
  while (slots_[at] != 0 && slots_[at] >> 16 != bin) at = (at + 1) & mask;
  if (slots_[at] == 0) {
    slots_[at] = bin << 16;
    ++used_;
  }
  ++slots_[at];
}

void BinCounts::remove(uint32_t bin) noexcept {
  if (is_dense()) {
    --dense_[bin];
    return;
  }
  const uint32_t mask = (1U << log2_slots_) - 1;
  uint32_t at = home(bin);
  while (slots_[at] >> 16 != bin || slots_[at] == 0) at = (at + 1) & mask;
  if ((--slots_[at] & 0xffff) != 0) return;
  // Close the gap: a later entry of the run moves up if its home is not between gap and place.
  for (uint32_t next = (at + 1) & mask; slots_[next] != 0; next = (next + 1) & mask) {
    if (((next - home(slots_[next] >> 16)) & mask) >= ((next - at) & mask)) {
      slots_[at] = slots_[next];
      at = next;
    }
  }
  slots_[at] = 0;
  --used_;
}

void BinCounts::write(uint32_t length, SparseWindow& out) const noexcept {
  out.clear();
  if (is_dense()) {
    uint32_t bin = 0;
    for (; bin + 4 <= length; bin += 4) {  // mostly empty: four at a time
      uint64_t four = 0;
      std::memcpy(&four, dense_ + bin, sizeof(four));
      if (four == 0) continue;
      for (uint32_t i = bin; i < bin + 4; ++i) {
        if (dense_[i] != 0) out.push_back({i, static_cast<float>(dense_[i])});
      }
    }
    for (; bin < length; ++bin) {
      if (dense_[bin] != 0) out.push_back({bin, static_cast<float>(dense_[bin])});
    }
    return;
  }
  for (uint32_t i = 0; i < 1U << log2_slots_; ++i) {
    if (slots_[i] != 0) out.push_back({slots_[i] >> 16, static_cast<float>(slots_[i] & 0xffff)});
  }
  std::sort(out.begin(), out.end(),
            [](const SparseValue& a, const SparseValue& b) { return a.index < b.index; });
}

}  // namespace flowmark
