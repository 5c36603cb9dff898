#include "bench/qoe/relay/tier_scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <vector>

namespace flowmark::qoe {
namespace {

constexpr size_t kSize = 1000;         // bytes of a frame
constexpr uint64_t kRate = 1'000'000;  // bytes a second: a frame a millisecond
constexpr int64_t kTurnNs = 1'000'000;

Frame frame(Tier tier) {
  return Frame(kSize, static_cast<uint8_t>(tier));
}

// How many frames of each tier a line sends in `turns` turns, while each tier of `busy` always has
// some.
std::map<Tier, int> sent(const std::vector<Tier>& busy, int turns) {
  TierScheduler scheduler(kRate, 100);
  std::map<Tier, int> count;
  for (int64_t turn = 0; turn < turns; ++turn) {
    for (const Tier tier : busy) scheduler.push(tier, frame(tier), turn * kTurnNs);
    ++count[static_cast<Tier>(scheduler.pop(turn * kTurnNs)->front())];
  }
  return count;
}

TEST(TierScheduler, EachTierGetsItsShareOfAFullLine) {
  const auto count =
      sent({Tier::voice, Tier::video, Tier::standard, Tier::transfers, Tier::lower_effort}, 10000);
  for (size_t i = 0; i < kTiers; ++i)
    EXPECT_NEAR(count.at(static_cast<Tier>(i)), 10000 * TierScheduler::kShares[i], 10)
        << kTierNames[i];
}

TEST(TierScheduler, WhatOthersLeaveGoesToTheMoreUrgentOne) {
  const auto count = sent({Tier::standard, Tier::transfers}, 10000);
  EXPECT_NEAR(count.at(Tier::transfers), 1500, 10);
  EXPECT_NEAR(count.at(Tier::standard), 8500, 10);
}

TEST(TierScheduler, FilmsAndPagesShareTheRestEvenly) {
  const auto count = sent({Tier::video, Tier::standard, Tier::transfers}, 10000);
  EXPECT_NEAR(count.at(Tier::transfers), 1500, 10);
  EXPECT_NEAR(count.at(Tier::video), 4250, 10);
  EXPECT_NEAR(count.at(Tier::standard), 4250, 10);
}

TEST(TierScheduler, OneTierAloneHasTheWholeLine) {
  for (size_t i = 0; i < kTiers; ++i)
    EXPECT_EQ(sent({static_cast<Tier>(i)}, 500).at(static_cast<Tier>(i)), 500) << kTierNames[i];
}

TEST(TierScheduler, TooMuchVoiceLeavesNobodyBehind) {
  const auto count = sent({Tier::voice, Tier::lower_effort}, 10000);
  EXPECT_NEAR(count.at(Tier::voice), 3000, 10);
  EXPECT_NEAR(count.at(Tier::lower_effort), 7000, 10);
}

TEST(TierScheduler, ACallPassesAFullQueueAtOnce) {
  TierScheduler scheduler(kRate, 100);
  int64_t now = 0;
  for (int i = 0; i < 100; ++i) scheduler.push(Tier::standard, frame(Tier::standard), now);
  for (int i = 0; i < 50; ++i, now += kTurnNs) scheduler.pop(now);
  scheduler.push(Tier::voice, frame(Tier::voice), now);
  EXPECT_EQ(scheduler.pop(now)->front(), static_cast<uint8_t>(Tier::voice));
  EXPECT_EQ(scheduler.counters(Tier::voice).longest_wait_ns, 0);
}

TEST(TierScheduler, OrderWithinATierIsKept) {
  TierScheduler scheduler(kRate, 100);
  for (uint8_t i = 0; i < 50; ++i) scheduler.push(Tier::video, Frame(kSize, i), 0);
  for (uint8_t i = 0; i < 50; ++i) EXPECT_EQ(scheduler.pop(i * kTurnNs)->front(), i);
  EXPECT_TRUE(scheduler.empty());
  EXPECT_FALSE(scheduler.pop(50 * kTurnNs));
}

TEST(TierScheduler, AFullQueueDropsWhatComesAndOthersStayWhole) {
  TierScheduler scheduler(kRate, 3);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(scheduler.push(Tier::transfers, frame(Tier::transfers), 0), i < 3);
  EXPECT_TRUE(scheduler.push(Tier::voice, frame(Tier::voice), 0));
  EXPECT_EQ(scheduler.counters(Tier::transfers).dropped, 2U);
  EXPECT_EQ(scheduler.counters(Tier::voice).dropped, 0U);
}

TEST(TierScheduler, SharesAboveTheLineAreRefused) {
  EXPECT_THROW(TierScheduler(kRate, 100, {0.5, 0.5, 0.1, 0, 0}), std::invalid_argument);
}

TEST(Tiers, FollowServiceClassesOfRfc4594) {
  const std::map<uint8_t, Tier> expected = {
      {46, Tier::voice},      {44, Tier::voice},     {40, Tier::voice},     {48, Tier::voice},
      {34, Tier::video},      {26, Tier::video},     {32, Tier::video},     {24, Tier::video},
      {0, Tier::standard},    {18, Tier::standard},  {16, Tier::standard},  {2, Tier::standard},
      {10, Tier::transfers},  {12, Tier::transfers}, {14, Tier::transfers}, {8, Tier::lower_effort},
      {1, Tier::lower_effort}};
  for (const auto& [dscp, tier] : expected) EXPECT_EQ(tier_of_dscp(dscp), tier) << int{dscp};
}

TEST(Tiers, AreReadFromBothKindsOfIp) {
  Frame ipv4(34, 0), ipv6(54, 0), arp(42, 0);
  ipv4[12] = 0x08;
  ipv4[14] = 0x45;
  ipv4[15] = 46 << 2 | 1;  // ECT(1)
  ipv6[12] = 0x86;
  ipv6[13] = 0xdd;
  ipv6[14] = 0x60 | 46 >> 2;
  ipv6[15] = (46 & 3) << 6;
  arp[12] = 0x08;
  arp[13] = 0x06;
  arp[15] = 46 << 2;
  EXPECT_EQ(tier_of_frame(ipv4), Tier::voice);
  EXPECT_EQ(tier_of_frame(ipv6), Tier::voice);
  EXPECT_EQ(tier_of_frame(arp), Tier::standard);
  EXPECT_EQ(tier_of_frame(Frame(13, 0xff)), Tier::standard);
}

}  // namespace
}  // namespace flowmark::qoe
