#include "mark/live_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace flowmark {
namespace {

using Reserved = LiveBudget::Answer;

IpAddress address_of(uint32_t number) {
  IpAddress address{};
  address[10] = address[11] = 0xff;
  for (size_t i = 0; i < 4; ++i) address[12 + i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  return address;
}

TEST(LiveBudget, AHostAndTheLinkHaveLimits) {
  LiveBudget budget({.expedited_host = 1000, .expedited_link = 2500});
  const uint64_t a = budget.host_of(address_of(1)), b = budget.host_of(address_of(2));
  const uint64_t c = budget.host_of(address_of(3));
  EXPECT_EQ(budget.reserve(a, 600), Reserved::granted);
  EXPECT_EQ(budget.reserve(a, 401), Reserved::host_full);
  EXPECT_EQ(budget.reserve(a, 400), Reserved::granted);
  EXPECT_EQ(budget.reserve(b, 1000), Reserved::granted);
  EXPECT_EQ(budget.reserve(c, 501), Reserved::link_full);
  EXPECT_EQ(budget.host_reserved(c), 0U) << "what the link refuses counts against no host";
  EXPECT_EQ(budget.reserve(c, 500), Reserved::granted);
  EXPECT_EQ(budget.link_reserved(), 2500U);
  budget.release(a, 1000);
  EXPECT_EQ(budget.reserve(a, 1000), Reserved::granted);
}

TEST(LiveBudget, WithoutLimitsEverythingIsGranted) {
  LiveBudget budget({});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(budget.reserve(7, UINT32_MAX), Reserved::granted);
}

TEST(LiveBudget, HostsDoNotTakeEachOthersShares) {
  LiveBudget budget({.expedited_host = 1000});
  for (uint32_t i = 0; i < 100; ++i) {
    EXPECT_EQ(budget.reserve(budget.host_of(address_of(i)), 1000), Reserved::granted) << i;
  }
  for (uint32_t i = 1000; i < 2000; ++i) {
    const uint64_t other = budget.host_of(address_of(i));
    ASSERT_EQ(budget.reserve(other, 1000), Reserved::granted) << i;
    budget.release(other, 1000);
  }
}

// Threads reserve and give back as fast as they can; no moment may exceed the limits.
TEST(LiveBudget, ThreadsTogetherNeverHoldMoreThanTheLimit) {
  constexpr uint64_t kLimit = 1000, kRate = 300;
  LiveBudget budget({.expedited_host = kLimit, .expedited_link = kLimit});
  std::atomic<uint64_t> held{0}, most{0}, granted{0};
  const auto work = [&] {
    for (int i = 0; i < 20'000; ++i) {
      if (budget.reserve(1, kRate) != Reserved::granted) continue;
      const uint64_t now = held.fetch_add(kRate) + kRate;
      uint64_t before = most.load();
      while (before < now && !most.compare_exchange_weak(before, now)) {
      }
      granted.fetch_add(1);
      held.fetch_sub(kRate);
      budget.release(1, kRate);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), kLimit);
  EXPECT_GT(granted.load(), 0U);
  EXPECT_EQ(budget.link_reserved(), 0U);
  EXPECT_EQ(budget.host_reserved(1), 0U);
}

}  // namespace
}  // namespace flowmark
