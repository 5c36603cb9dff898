#include "base/block_pool.h"

#include <bit>
#include <new>

#include "base/anonymous_memory.h"
#include "base/error.h"

namespace flowmark {
namespace {

constexpr uint32_t kOrders =
    static_cast<uint32_t>(std::countr_zero(BlockPool::kMaxBlock / BlockPool::kMinBlock)) + 1;
constexpr uint32_t kNil = 0xffffffff;
constexpr uint8_t kNotFree = 0xff;
static_assert(std::has_single_bit(BlockPool::kMinBlock));
static_assert(std::has_single_bit(BlockPool::kMaxBlock));

/// The smallest order whose blocks hold `bytes`, which is at most kMaxBlock.
uint32_t order_of(size_t bytes) noexcept {
  const size_t units = (bytes + BlockPool::kMinBlock - 1) / BlockPool::kMinBlock;
  return units <= 1 ? 0 : static_cast<uint32_t>(std::bit_width(units - 1));
}

/// Lies in a free block; links are block numbers counted in units of kMinBlock.
struct FreeNode {
  uint32_t previous;
  uint32_t next;
};
static_assert(sizeof(FreeNode) <= BlockPool::kMinBlock);

}  // namespace

struct BlockPool::Impl {
  Impl(size_t bytes, bool prefault)
      : arena(bytes, prefault), free_order(bytes / kMinBlock, prefault) {
    for (uint32_t& head : heads) head = kNil;
    const auto units = static_cast<uint32_t>(bytes / kMinBlock);
    constexpr uint32_t top_units = kMaxBlock / kMinBlock;
    auto* orders = static_cast<uint8_t*>(free_order.data());
    for (uint32_t unit = 0; unit < units; ++unit) orders[unit] = kNotFree;
    // Backwards, so that the arena is handed out from its beginning.
    for (uint32_t unit = units; unit > 0; unit -= top_units) push(unit - top_units, kOrders - 1);
  }

  FreeNode* node(uint32_t unit) noexcept {
    return reinterpret_cast<FreeNode*>(static_cast<std::byte*>(arena.data()) +
                                       size_t{unit} * kMinBlock);
  }
  uint8_t& order_at(uint32_t unit) noexcept {
    return static_cast<uint8_t*>(free_order.data())[unit];
  }

  void push(uint32_t unit, uint32_t order) noexcept {
    new (node(unit)) FreeNode{kNil, heads[order]};
    if (heads[order] != kNil) node(heads[order])->previous = unit;
    heads[order] = unit;
    order_at(unit) = static_cast<uint8_t>(order);
  }

  void unlink(uint32_t unit, uint32_t order) noexcept {
    const FreeNode links = *node(unit);
    if (links.previous == kNil) {
      heads[order] = links.next;
    } else {
      node(links.previous)->next = links.next;
    }
    if (links.next != kNil) node(links.next)->previous = links.previous;
    order_at(unit) = kNotFree;
  }

  AnonymousMemory arena;
  /// For the first unit of a free block its order, else kNotFree.
  AnonymousMemory free_order;
  uint32_t heads[kOrders];
};

BlockPool::BlockPool(size_t bytes, bool prefault)
    : capacity_((bytes + kMaxBlock - 1) / kMaxBlock * kMaxBlock) {
  constexpr size_t limit = size_t{kNil} * kMinBlock;
  if (bytes > limit) fail("a block pool of {} bytes is over the limit of {}", bytes, limit);
  impl_ = std::make_unique<Impl>(capacity_, prefault);
}

BlockPool::~BlockPool() = default;

void* BlockPool::allocate(size_t bytes) noexcept {
  if (bytes > kMaxBlock) return nullptr;
  const uint32_t order = order_of(bytes);
  uint32_t found = order;
  while (found < kOrders && impl_->heads[found] == kNil) ++found;
  if (found == kOrders) return nullptr;
  const uint32_t unit = impl_->heads[found];
  impl_->unlink(unit, found);
  while (found > order) {
    --found;
    impl_->push(unit + (1U << found), found);
  }
  used_ += kMinBlock << order;
  return impl_->node(unit);
}

void BlockPool::release(void* block, size_t bytes) noexcept {
  if (block == nullptr) return;
  uint32_t order = order_of(bytes);
  used_ -= kMinBlock << order;
  const auto offset = static_cast<size_t>(static_cast<std::byte*>(block) -
                                          static_cast<std::byte*>(impl_->arena.data()));
  auto unit = static_cast<uint32_t>(offset / kMinBlock);
  for (; order + 1 < kOrders; ++order) {
    const uint32_t buddy = unit ^ (1U << order);
    if (impl_->order_at(buddy) != order) break;
    impl_->unlink(buddy, order);
    unit &= ~(1U << order);
  }
  impl_->push(unit, order);
}

size_t BlockPool::block_size(size_t bytes) noexcept {
  return kMinBlock << order_of(bytes);
}

}  // namespace flowmark
