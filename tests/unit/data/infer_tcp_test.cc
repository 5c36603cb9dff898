#include "data/infer_tcp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::Pair;

/// A flow of these sizes; negative: down.
RecordedFlow flow_of(const std::vector<int>& sizes) {
  RecordedFlow flow;
  TimeUs time_us = 0;
  for (const int size : sizes) {
    flow.packets.push_back({.time_us = time_us++,
                            .size = static_cast<uint16_t>(std::abs(size)),
                            .direction = size > 0 ? Direction::up : Direction::down});
  }
  return flow;
}

/// The places of its pure acknowledgements.
std::vector<size_t> acks_of(const RecordedFlow& flow) {
  std::vector<size_t> places;
  for (size_t i = 0; i < flow.packets.size(); ++i) {
    if (flow.packets[i].pure_ack) places.push_back(i);
  }
  return places;
}

std::vector<size_t> inferred_acks(const std::vector<int>& sizes, const std::string& transport) {
  RecordedFlow flow = flow_of(sizes);
  infer_tcp(flow);
  EXPECT_THAT(flow.attributes, ElementsAre(Pair("transport", transport)));
  return acks_of(flow);
}

TEST(InferTcp, BareHeadersBehindAHandshakeAreAcknowledgements) {
  // SYN, SYN-ACK, ACK, request, its acknowledgement, answers, acknowledgements of them.
  EXPECT_THAT(inferred_acks({60, -60, 52, 569, -52, -1500, -1500, 52, -900, 52}, "tcp"),
              ElementsAre(2, 4, 7, 9));
}

TEST(InferTcp, SelectiveAcknowledgementsAreAcknowledgements) {
  EXPECT_THAT(inferred_acks({60, -60, 52, 569, 64, 72, 80, 53}, "tcp"), ElementsAre(2, 4, 5, 6));
}

TEST(InferTcp, KnowsHeadersWithoutTimestampsAndOfIpv6) {
  EXPECT_THAT(inferred_acks({52, -52, 40, 557, -40}, "tcp"), ElementsAre(2, 4));
  EXPECT_THAT(inferred_acks({80, -80, 72, 589, -72}, "tcp"), ElementsAre(2, 4));
}

TEST(InferTcp, EitherSideMayAskMoreThanOnce) {
  EXPECT_THAT(inferred_acks({60, 60, -60, -60, 52, 569, -52}, "tcp"), ElementsAre(4, 6));
}

TEST(InferTcp, EitherSideMayBegin) {
  EXPECT_THAT(inferred_acks({-60, 60, -52, -569, 52}, "tcp"), ElementsAre(2, 4));
}

TEST(InferTcp, AFlowWithoutAHandshakeIsUdp) {
  EXPECT_THAT(inferred_acks({200, -200, 52, 200}, "udp"), ElementsAre());
  EXPECT_THAT(inferred_acks({60, -60, 60}, "udp"), ElementsAre());
  EXPECT_THAT(inferred_acks({60, -60}, "udp"), ElementsAre());
  EXPECT_THAT(inferred_acks({60}, "udp"), ElementsAre());
  EXPECT_THAT(inferred_acks({}, "udp"), ElementsAre());
}

TEST(InferTcp, WhatTheRecordingSaysStays) {
  RecordedFlow named = flow_of({60, -60, 52});
  named.attributes["transport"] = "other";
  infer_tcp(named);
  EXPECT_EQ(named.attributes["transport"], "other");
  EXPECT_THAT(acks_of(named), ElementsAre());

  RecordedFlow marked = flow_of({60, -60, 52, -52});
  marked.packets[3].pure_ack = true;
  infer_tcp(marked);
  EXPECT_THAT(acks_of(marked), ElementsAre(3));
}

}  // namespace
}  // namespace flowmark
