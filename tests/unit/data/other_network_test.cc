#include "data/other_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark {
namespace {

using testing::ElementsAre;

/// Every 10 ms a packet: up of 1000 bytes, down of 1500, up a pure acknowledgement of 52.
RecordedFlow transfer(size_t packets) {
  RecordedFlow flow;
  flow.name = "3";
  flow.label = "file-transfer";
  flow.attributes["session"] = "7";
  for (size_t i = 0; i < packets; ++i) {
    const uint16_t sizes[] = {1000, 1500, 52};
    flow.packets.push_back({.time_us = 5'000'000 + static_cast<TimeUs>(i) * 10'000,
                            .size = sizes[i % 3],
                            .direction = i % 3 == 1 ? Direction::down : Direction::up,
                            .pure_ack = i % 3 == 2});
  }
  return flow;
}

std::vector<int> sizes_of(const RecordedFlow& flow) {
  std::vector<int> out;
  for (const FlowPacket& packet : flow.packets) out.push_back(packet.size);
  return out;
}

std::vector<TimeUs> times_of(const RecordedFlow& flow) {
  std::vector<TimeUs> out;
  for (const FlowPacket& packet : flow.packets) out.push_back(packet.time_us - 5'000'000);
  return out;
}

TEST(OtherNetwork, NothingAskedForChangesNothing) {
  const RecordedFlow out = change_network(transfer(4), {}, KeyedRandom(1));
  EXPECT_THAT(sizes_of(out), ElementsAre(1000, 1500, 52, 1000));
  EXPECT_EQ(times_of(out), times_of(transfer(4)));
  EXPECT_EQ(out.name, "3");
  EXPECT_EQ(out.label, "file-transfer");
  EXPECT_EQ(out.attributes.at("session"), "7");
}

TEST(OtherNetwork, ASpeedDividesTimes) {
  const RecordedFlow out = change_network(transfer(3), {.speed = 2}, KeyedRandom(1));
  EXPECT_THAT(times_of(out), ElementsAre(0, 5000, 10'000));
}

TEST(OtherNetwork, SeenFromTheMiddleOnAFlowKeepsItsTimes) {
  const RecordedFlow out = change_network(transfer(5), {.seen_from = 3}, KeyedRandom(1));
  EXPECT_THAT(sizes_of(out), ElementsAre(1000, 1500));
  EXPECT_THAT(times_of(out), ElementsAre(30'000, 40'000));
  EXPECT_TRUE(change_network(transfer(5), {.seen_from = 9}, KeyedRandom(1)).packets.empty());
}

TEST(OtherNetwork, ThinsNothingButAcknowledgements) {
  const RecordedFlow none = change_network(transfer(6), {.acks_thinned = 1}, KeyedRandom(1));
  EXPECT_THAT(sizes_of(none), ElementsAre(1000, 1500, 1000, 1500));
  const RecordedFlow half = change_network(transfer(9000), {.acks_thinned = 0.5}, KeyedRandom(1));
  EXPECT_NEAR(static_cast<double>(half.packets.size()), 7500, 100);
}

TEST(OtherNetwork, CutsToTheMtuAndTakesOptionsAway) {
  const RecordedFlow out =
      change_network(transfer(3), {.mtu = 1400, .options = 12}, KeyedRandom(1));
  EXPECT_THAT(sizes_of(out), ElementsAre(988, 1388, 40));
}

TEST(OtherNetwork, DrawsEachChangeForAShareOfTheFlows) {
  constexpr int kDraws = 4000;
  int faster = 0, slower = 0, late = 0, thinned = 0, small = 0, bare = 0;
  const RecordedFlow flow = transfer(3000);
  for (int i = 0; i < kDraws; ++i) {
    const NetworkChange how = random_network(flow, KeyedRandom(static_cast<uint64_t>(i)));
    EXPECT_GE(how.speed, 0.4);
    EXPECT_LE(how.speed, 2.5);
    EXPECT_LE(how.seen_from, 1000U);
    EXPECT_LE(how.acks_thinned, 1);
    EXPECT_GE(how.mtu, 1280);
    faster += how.speed > 1;
    slower += how.speed < 1;
    late += how.seen_from > 0;
    thinned += how.acks_thinned > 0;
    small += how.mtu <= 1500;
    bare += how.options > 0;
  }
  const auto share = [](int count) { return static_cast<double>(count) / kDraws; };
  EXPECT_NEAR(share(faster), 0.25, 0.03);
  EXPECT_NEAR(share(slower), 0.25, 0.03);
  EXPECT_NEAR(share(late), 0.25, 0.03);
  EXPECT_NEAR(share(thinned), 0.5, 0.03);
  EXPECT_NEAR(share(small), 0.5, 0.03);
  EXPECT_NEAR(share(bare), 1.0 / 3, 0.03);
}

TEST(OtherNetwork, WhatIsNoTcpKeepsItsSizes) {
  RecordedFlow call = transfer(300);
  for (FlowPacket& packet : call.packets) packet.pure_ack = false;
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(random_network(call, KeyedRandom(i)).options, 0);
  }
}

}  // namespace
}  // namespace flowmark
