#include "data/impair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "data/load_examples.h"
#include "feature/flowpic/flowpic.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A packet each 0.7 ms; its size is its number.
RecordedFlow flow(size_t packets) {
  RecordedFlow out;
  out.name = "udp 10.0.0.1:1 10.0.0.2:2";
  out.label = "voip";
  out.attributes["session"] = "3";
  for (size_t i = 0; i < packets; ++i) {
    out.packets.push_back({static_cast<TimeUs>(i) * 700, static_cast<uint16_t>(i + 1),
                           i % 2 == 0 ? Direction::up : Direction::down, false});
  }
  return out;
}

std::vector<int> sizes(const RecordedFlow& from) {
  std::vector<int> out;
  for (const FlowPacket& packet : from.packets) out.push_back(packet.size);
  return out;
}

/// How many runs of packets are missing.
size_t gaps(const RecordedFlow& from) {
  size_t count = 0;
  for (size_t i = 1; i < from.packets.size(); ++i) {
    count += from.packets[i].size != from.packets[i - 1].size + 1 ? 1 : 0;
  }
  return count;
}

TEST(Impair, NothingAskedForChangesNothing) {
  EXPECT_FALSE(Impairment{}.any());
  const RecordedFlow out = impair(flow(5), {}, KeyedRandom(1));
  EXPECT_THAT(sizes(out), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(out.name, flow(1).name);
  EXPECT_EQ(out.label, "voip");
  EXPECT_EQ(out.attributes.at("session"), "3");
}

TEST(Impair, LosesTheShareInRunsOfTheLength) {
  const RecordedFlow in = flow(60'000);
  const RecordedFlow alone = impair(in, {.loss = 0.05}, KeyedRandom(1));
  EXPECT_NEAR(static_cast<double>(alone.packets.size()), 57'000, 200);
  const RecordedFlow runs = impair(in, {.loss = 0.05, .loss_run = 6}, KeyedRandom(1));
  EXPECT_NEAR(static_cast<double>(runs.packets.size()), 57'000, 500);
  EXPECT_NEAR(static_cast<double>(60'000 - runs.packets.size()) / static_cast<double>(gaps(runs)),
              6, 0.6);
}

TEST(Impair, DuplicatesFollowAtOnce) {
  const RecordedFlow out = impair(flow(3), {.duplicate = 1}, KeyedRandom(1));
  EXPECT_THAT(sizes(out), ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_EQ(out.packets[2].time_us, out.packets[3].time_us);
}

TEST(Impair, NeighboursChangePlacesAndTimesStayInOrder) {
  const RecordedFlow out = impair(flow(5), {.reorder = 1}, KeyedRandom(1));
  EXPECT_THAT(sizes(out), ElementsAre(2, 1, 4, 3, 5));
  for (size_t i = 0; i < out.packets.size(); ++i) {
    EXPECT_EQ(out.packets[i].time_us, static_cast<TimeUs>(i) * 700);
  }
  EXPECT_EQ(out.packets[0].direction, Direction::down);
}

TEST(Impair, PacketsHaveTheTimeOfTheNextReading) {
  const RecordedFlow in = flow(100);
  const RecordedFlow out = impair(in, {.read_every_us = 4000}, KeyedRandom(1));
  std::set<TimeUs> times;
  for (size_t i = 0; i < out.packets.size(); ++i) {
    const TimeUs late = out.packets[i].time_us - in.packets[i].time_us;
    EXPECT_GE(late, 0);
    EXPECT_LT(late, 4000);
    times.insert(out.packets[i].time_us);
  }
  EXPECT_GE(times.size(), 18U);  // 70 ms
  EXPECT_LE(times.size(), 19U);
  EXPECT_EQ(*std::next(times.begin()) - *times.begin(), 4000);
}

TEST(Impair, RandomAmountsStayInTheirRanges) {
  size_t without_loss = 0;
  double most = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const Impairment one = random_impairment(KeyedRandom(seed));
    EXPECT_LT(one.loss, 0.1);
    EXPECT_GE(one.loss_run, 1);
    EXPECT_LT(one.loss_run, 8);
    EXPECT_LT(one.duplicate, 0.02);
    EXPECT_LT(one.reorder, 0.05);
    EXPECT_LE(one.read_every_us, 10'000);
    without_loss += one.loss == 0 ? 1 : 0;
    most = std::max(most, one.loss);
  }
  EXPECT_NEAR(static_cast<double>(without_loss), 100, 30);
  EXPECT_GT(most, 0.095);
}

TEST(Impair, WhatALineSaysIsRead) {
  const Impairment one = parse_impairment(
      "loss=0.05,loss-run=4,duplicate=0.01,reorder=0.02,read-every-ms=2.5", "--impair");
  EXPECT_EQ(one.loss, 0.05);
  EXPECT_EQ(one.loss_run, 4);
  EXPECT_EQ(one.duplicate, 0.01);
  EXPECT_EQ(one.reorder, 0.02);
  EXPECT_EQ(one.read_every_us, 2500);
  EXPECT_FALSE(parse_impairment("", "x").any());
}

TEST(Impair, MistakesAreNamed) {
  const auto message = [](const std::string& text) -> std::string {
    try {
      parse_impairment(text, "--impair");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message("loss"), HasSubstr("--impair: 'loss', must be NAME=NUMBER"));
  EXPECT_THAT(message("loss=2"), HasSubstr("loss=2, must be a number from 0 to 0.99"));
  EXPECT_THAT(message("loss=nan"), HasSubstr("must be a number"));
  EXPECT_THAT(message("loss-run=0.5"), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(message("jitter=3"), HasSubstr("no impairment 'jitter'"));
}

TEST(Impair, ExamplesAreCutFromTheImpairedFlowTheSameWayEachTime) {
  CutOptions cut;
  cut.impairment.loss = 0.3;
  cut.min_packets = 1;
  const FeatureSpec spec = flowpic({10 * kUsPerSecond, 10, 15, 1500});
  const auto packets = [&] {
    std::vector<uint64_t> out;
    cut_examples(flow(1000), spec, cut, [&](const ExampleInfo& info, const OfflineWindow&) {
      out.push_back(info.packets);
    });
    return out;
  };
  ASSERT_EQ(packets().size(), 2U);  // a picture of each direction
  EXPECT_NEAR(static_cast<double>(packets()[0]), 350, 40);
  EXPECT_EQ(packets(), packets());
}

}  // namespace
}  // namespace flowmark
