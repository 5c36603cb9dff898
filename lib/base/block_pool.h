#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace flowmark {

/// Memory for everything a flow owns beyond its table entry: one arena, reserved at construction
/// and handed out in power-of-two blocks (a buddy allocator). Constant-bounded time, no system
/// call, no lock: each worker has its own. Not thread-safe.
class BlockPool {
 public:
  static constexpr size_t kMinBlock = 64;
  static constexpr size_t kMaxBlock = 64 * 1024;

  /// Reserves `bytes` (rounded up to whole kMaxBlock blocks; none for 0). `prefault` touches every
  /// page now, so that none faults later on the packet path. Throws Error if it cannot.
  explicit BlockPool(size_t bytes, bool prefault = false);
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  /// A block of at least `bytes`, aligned to 64, not cleared; nullptr when `bytes` is over
  /// kMaxBlock or no block is left.
  void* allocate(size_t bytes) noexcept;

  /// Gives back a block that allocate(bytes) returned. nullptr is ignored.
  void release(void* block, size_t bytes) noexcept;

  /// The size that allocate(bytes) really reserves.
  static size_t block_size(size_t bytes) noexcept;

  size_t used() const noexcept { return used_; }
  size_t capacity() const noexcept { return capacity_; }

 private:
  struct Impl;
  size_t capacity_;
  size_t used_ = 0;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowmark
