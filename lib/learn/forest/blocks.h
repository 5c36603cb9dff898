#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "learn/forest/ranks.h"

namespace flowmark {

/// The examples of a subtree under construction, numbered from 0, with their columns copied out of
/// the matrix, so that the nodes below need not look through everybody else's. Block 0 holds all
/// examples, its columns are the matrix's own. Memory of released blocks is used again.
class ForestBlocks {
 public:
  struct Slot {
    uint32_t node = 0;     ///< where the example is now
    uint32_t payload = 0;  ///< group << 16 | how often drawn
  };

  explicit ForestBlocks(const RankMatrix& matrix);

  std::vector<Slot>& slots(uint32_t block) noexcept { return blocks_[block]->slots; }
  const std::vector<Slot>& slots(uint32_t block) const noexcept { return blocks_[block]->slots; }
  std::span<const RankMatrix::Entry> column(uint32_t block, uint32_t feature) const noexcept {
    if (block == 0) {
      return matrix_.column(feature);
    }
    const Block& own = *blocks_[block];
    return {own.entries.data() + own.column_start[feature],
            own.entries.data() + own.column_start[feature + 1]};
  }

  /// Whether a node of `size` of the block's examples gets a block of its own, when every split
  /// looks at `features` of them.
  bool is_worth_making(uint32_t block, uint32_t size, uint32_t features) const noexcept;
  /// A block of the given examples of `from`, renumbered from 0 here and in `examples`.
  uint32_t make(uint32_t from, std::span<uint32_t> examples);

  /// A block lives while somebody uses it.
  void use(uint32_t block) noexcept { ++blocks_[block]->users; }
  void release(uint32_t block);

 private:
  struct Block {
    std::vector<uint32_t> row;  ///< of the matrix
    std::vector<Slot> slots;
    std::vector<uint32_t> column_start;
    std::vector<RankMatrix::Entry> entries;
    uint32_t users = 0;
  };

  uint32_t take_block();

  const RankMatrix& matrix_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<uint32_t> free_;
};

}  // namespace flowmark
