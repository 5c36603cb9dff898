#include "base/block_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "base/error.h"

namespace flowmark {
namespace {

TEST(BlockPool, RoundsUpToPowersOfTwoFromTheSmallestBlock) {
  EXPECT_EQ(BlockPool::block_size(0), 64U);
  EXPECT_EQ(BlockPool::block_size(1), 64U);
  EXPECT_EQ(BlockPool::block_size(64), 64U);
  EXPECT_EQ(BlockPool::block_size(65), 128U);
  EXPECT_EQ(BlockPool::block_size(1000), 1024U);
  EXPECT_EQ(BlockPool::block_size(64 * 1024), 64U * 1024U);
}

TEST(BlockPool, CapacityIsRoundedUpToWholeLargestBlocks) {
  EXPECT_EQ(BlockPool(1).capacity(), BlockPool::kMaxBlock);
  EXPECT_EQ(BlockPool(BlockPool::kMaxBlock + 1, true).capacity(), 2 * BlockPool::kMaxBlock);
}

TEST(BlockPool, EmptyPoolHasNothingToGive) {
  BlockPool pool(0);
  EXPECT_EQ(pool.allocate(1), nullptr);
  pool.release(nullptr, 64);
  EXPECT_EQ(pool.used(), 0U);
}

TEST(BlockPool, RefusesMoreThanTheLargestBlock) {
  BlockPool pool(4 * BlockPool::kMaxBlock);
  EXPECT_EQ(pool.allocate(BlockPool::kMaxBlock + 1), nullptr);
  EXPECT_EQ(pool.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(pool.used(), 0U);
}

TEST(BlockPool, SaysSoWhenTheSizeCannotBe) {
  EXPECT_THROW(BlockPool pool(SIZE_MAX / 2), Error);
}

// Every block that can be had is had, at every size; then merging gives the largest back.
TEST(BlockPool, GivesTheWholeArenaAtEverySizeAndMergesAgain) {
  constexpr size_t kBytes = 4 * BlockPool::kMaxBlock;
  BlockPool pool(kBytes);
  for (size_t size = BlockPool::kMinBlock; size <= BlockPool::kMaxBlock; size *= 2) {
    std::vector<void*> blocks;
    while (void* block = pool.allocate(size)) blocks.push_back(block);
    EXPECT_EQ(blocks.size(), kBytes / size);
    EXPECT_EQ(pool.used(), kBytes);
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937(static_cast<unsigned>(size)));
    for (void* block : blocks) pool.release(block, size);
    EXPECT_EQ(pool.used(), 0U);
  }
}

TEST(BlockPool, RandomUseNeverOverlapsAndLosesNothing) {
  constexpr size_t kBytes = 16 * BlockPool::kMaxBlock;
  BlockPool pool(kBytes);
  struct Held {
    size_t bytes;
    uint8_t fill;
  };
  std::map<uint8_t*, Held> held;
  std::mt19937_64 random(7);
  size_t used = 0;
  size_t refused = 0;
  const auto check_and_release = [&](std::map<uint8_t*, Held>::iterator at) {
    for (size_t i = 0; i < at->second.bytes; ++i) ASSERT_EQ(at->first[i], at->second.fill);
    pool.release(at->first, at->second.bytes);
    used -= BlockPool::block_size(at->second.bytes);
    held.erase(at);
  };
  for (int step = 0; step < 20000; ++step) {
    if (random() % 100 < 60) {
      const size_t bytes = 1 + (random() % (size_t{1} << (random() % 17)));
      auto* block = static_cast<uint8_t*>(pool.allocate(bytes));
      if (block == nullptr) {
        ++refused;
        continue;
      }
      ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0U);
      const auto after = held.lower_bound(block);
      if (after != held.end()) {
        ASSERT_LE(block + bytes, after->first);
      }
      if (after != held.begin()) {
        const auto before = std::prev(after);
        ASSERT_LE(before->first + before->second.bytes, block);
      }
      const auto fill = static_cast<uint8_t>(random());
      std::memset(block, fill, bytes);
      held.emplace(block, Held{bytes, fill});
      used += BlockPool::block_size(bytes);
    } else if (!held.empty()) {
      check_and_release(std::next(held.begin(), static_cast<long>(random() % held.size())));
    }
    ASSERT_EQ(pool.used(), used);
    ASSERT_LE(used, kBytes);
  }
  EXPECT_GT(refused, 0U) << "the test never met a full pool";
  while (!held.empty()) check_and_release(held.begin());
  EXPECT_EQ(pool.used(), 0U);
  size_t largest = 0;
  while (pool.allocate(BlockPool::kMaxBlock) != nullptr) ++largest;
  EXPECT_EQ(largest, kBytes / BlockPool::kMaxBlock);
}

}  // namespace
}  // namespace flowmark
