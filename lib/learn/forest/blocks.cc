#include "learn/forest/blocks.h"

#include <algorithm>
#include <numeric>

namespace flowmark {

ForestBlocks::ForestBlocks(const RankMatrix& matrix) : matrix_(matrix) {
  blocks_.push_back(std::make_unique<Block>());
  blocks_[0]->row.resize(matrix.rows());
  std::iota(blocks_[0]->row.begin(), blocks_[0]->row.end(), 0U);
}

/// Scanning the block's columns for one split against copying the node's rows once for all the
/// splits below. The copy's price is measured (bench/train): training is slower with half and with
/// twice of it.
bool ForestBlocks::is_worth_making(uint32_t block, uint32_t size,
                                   uint32_t features) const noexcept {
  constexpr double kCopyPrice = 0.15;
  constexpr double kSmallest = 48;
  const auto examples = static_cast<double>(blocks_[block]->row.size());
  if (examples <= kSmallest || size >= examples) {
    return false;
  }
  const auto columns = static_cast<double>(matrix_.columns());
  const auto entries =
      static_cast<double>(block == 0 ? matrix_.entries() : blocks_[block]->entries.size());
  const double scan = entries * std::min(1.0, features / columns);
  return kCopyPrice * (entries * size / examples + columns) < scan;
}

uint32_t ForestBlocks::make(uint32_t from, std::span<uint32_t> examples) {
  const uint32_t number = take_block();
  Block& block = *blocks_[number];
  const Block& source = *blocks_[from];
  const auto size = static_cast<uint32_t>(examples.size());
  block.row.resize(size);
  block.slots.resize(size);
  block.column_start.assign(matrix_.columns() + size_t{1}, 0);
  uint32_t* const start = block.column_start.data();
  for (uint32_t i = 0; i < size; ++i) {
    block.row[i] = source.row[examples[i]];
    block.slots[i] = source.slots[examples[i]];
    examples[i] = i;
    for (const RankMatrix::Entry& entry : matrix_.row(block.row[i])) {
      ++start[entry.index];
    }
  }
  uint32_t sum = 0;
  for (uint32_t& place : block.column_start) {
    sum += place;
    place = sum;  // its column's end; filling backwards makes it the beginning
  }
  block.entries.resize(sum);
  for (uint32_t i = size; i-- > 0;) {
    for (const RankMatrix::Entry& entry : matrix_.row(block.row[i])) {
      block.entries[--start[entry.index]] = {i, entry.rank};
    }
  }
  return number;
}

uint32_t ForestBlocks::take_block() {
  if (free_.empty()) {
    blocks_.push_back(std::make_unique<Block>());
    return static_cast<uint32_t>(blocks_.size() - 1);
  }
  const uint32_t number = free_.back();
  free_.pop_back();
  return number;
}

void ForestBlocks::release(uint32_t block) {
  if (--blocks_[block]->users == 0 && block != 0) {
    free_.push_back(block);
  }
}

}  // namespace flowmark
