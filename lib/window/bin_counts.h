#pragma once

#include <cstdint>

#include "base/block_pool.h"
#include "feature/sparse_window.h"

namespace flowmark {

/// How often each bin of a histogram occurs. Few bins are kept in an open-addressing table (linear
/// probing, no tombstones) that doubles; a table as big as the whole histogram gives way to a plain
/// array of counts. Counts are at most 65535. Memory is a block of the pool, freed by destroy().
class BinCounts {
 public:
  /// False when the pool is exhausted. `length` is that of the histogram, at most 65535, here and
  /// below always the same.
  bool create(uint32_t length, BlockPool& pool) noexcept;
  void destroy(uint32_t length, BlockPool& pool) noexcept;

  /// Makes room for `more` bins that are not there yet (at most 4). False when the pool is
  /// exhausted; all stays as it was then.
  bool reserve(uint32_t more, uint32_t length, BlockPool& pool) noexcept;
  /// Room must be reserved.
  void add(uint32_t bin) noexcept;
  /// The bin must have been added.
  void remove(uint32_t bin) noexcept;
  void clear(uint32_t length) noexcept;

  /// The bins in ascending order, with counts as values; `out` is replaced.
  void write(uint32_t length, SparseWindow& out) const noexcept;

 private:
  bool is_dense() const noexcept { return log2_slots_ == 0; }
  size_t bytes(uint32_t length) const noexcept;
  uint32_t home(uint32_t bin) const noexcept { return (bin * 0x9E3779B1U) >> (32 - log2_slots_); }
  void insert(uint32_t slot) noexcept;

  union {
    uint32_t* slots_ = nullptr;  ///< bin << 16 | count; 0: empty
    uint16_t* dense_;            ///< count by bin
  };
  uint16_t used_ = 0;       ///< slots in use
  uint8_t log2_slots_ = 0;  ///< 0: dense
};

}  // namespace flowmark
