// Whole workers with the default limits, over a model that calls everything a call: who leaves with
// a live mark?
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "mark/marker.h"
#include "net/byte_order.h"
#include "net/protocol.h"
#include "runtime/model_store.h"
#include "runtime/wiring.h"
#include "runtime/worker.h"
#include "unit/runtime/fake_io.h"
#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

using testing::FakeIo;
using testing::UdpFrame;

constexpr TimeUs kFirstUs = 1'700'000'000'000'000;
constexpr uint64_t kBitsPerByte = 8;

/// A flow that sends frames of one size at even distances, answered in kind or not at all.
struct Stream {
  UdpFrame frame;
  TimeUs interval_us = 20'000;
  TimeUs length_us = 10 * kUsPerSecond;
  bool answered = true;
  bool is_ping = false;
};

Stream call(uint32_t host, uint16_t port) {
  // G.711 in packets of 20 ms: 160 bytes and 40 of headers (RFC 3551).
  return {.frame = {.source = host, .source_port = port, .ip_length = 200}};
}

/// Of so many Mbit/s on the wire.
Stream constant(uint32_t mbit, TimeUs length_us) {
  constexpr TimeUs kFrameBits = 1250 * kBitsPerByte;
  return {.frame = {.ip_length = 1236},
          .interval_us = kFrameBits / mbit,
          .length_us = length_us,
          .answered = false};
}

std::vector<uint8_t> bytes_of(const UdpFrame& frame, bool is_ping) {
  std::vector<uint8_t> bytes = frame.bytes();
  if (is_ping) {
    constexpr size_t kProtocolAt = 23, kChecksumAt = 24;
    bytes[kProtocolAt] = kProtoIcmp;
    store_be16(&bytes[kChecksumAt], update_checksum(load_be16(&bytes[kChecksumAt]),
                                                    0x4000 | kProtoUdp, 0x4000 | kProtoIcmp));
  }
  return bytes;
}

std::vector<FakeIo::Frame> merged(const std::vector<Stream>& streams) {
  std::vector<FakeIo::Frame> frames;
  for (const Stream& stream : streams) {
    for (TimeUs at = 0; at < stream.length_us; at += stream.interval_us) {
      frames.push_back({bytes_of(stream.frame, stream.is_ping), kFirstUs + at});
      if (!stream.answered) continue;
      frames.push_back({bytes_of(stream.frame.reversed(), stream.is_ping), kFirstUs + at});
    }
  }
  std::ranges::stable_sort(frames, {}, &FakeIo::Frame::time_us);
  return frames;
}

/// What left, by flow (its endpoint's port at the host).
struct Flow {
  std::vector<Dscp> marks;
  uint64_t marked_bits = 0;  ///< with a live mark, on the wire
  size_t marked = 0;
  size_t changes = 0;  ///< of its mark
};

class LiveMarksTest : public ::testing::TestWithParam<size_t> {
 protected:
  /// Passes the streams through as many workers as the test's parameter says, each with its share
  /// of the streams; they run one after the other over the same span of time. By port.
  std::map<uint16_t, Flow> pass(const std::vector<Stream>& streams,
                                const std::string& marking = "{}",
                                const std::string& winner = "voip") {
    const size_t workers = GetParam();
    const testing::TemporaryFolder folder;
    testing::write_constant_model(folder.path() / "m.onnx", 0, {winner, "browsing"});
    const Settings settings = parse_settings(
        "mode: replay\ninside: [10.0.0.0/8]\nmodels: [{name: m, path: m.onnx}]\nmarking: " +
            marking + "\n",
        folder.path() / "flowmark.yaml");
    ModelPublisher publisher(workers, load_models(settings, 1));
    const ClassifierOptions classifier =
        classifier_options(settings, static_cast<uint32_t>(workers), true);
    std::vector<std::unique_ptr<Worker>> kept;  // and with them what their flows have reserved
    std::vector<std::unique_ptr<FakeIo>> ios;
    std::map<uint16_t, Flow> flows;
    for (size_t i = 0; i < workers; ++i) {
      std::vector<Stream> own;
      for (size_t s = i; s < streams.size(); s += workers) own.push_back(streams[s]);
      ios.push_back(std::make_unique<FakeIo>(merged(own), 8));
      counters_.push_back(std::make_unique<WorkerCounters>());
      kept.push_back(std::make_unique<Worker>(worker_options(settings, i, true), classifier,
                                              *ios.back(), publisher, *counters_.back(), nullptr));
      kept.back()->run();
      for (const auto& frame : ios.back()->sent) add(flows, frame);
    }
    return flows;
  }

  static void add(std::map<uint16_t, Flow>& flows, const std::vector<uint8_t>& frame) {
    constexpr size_t kSourceAt = 26, kSourcePortAt = 34, kInside = 10;
    const bool up = frame[kSourceAt] == kInside;
    Flow& flow = flows[load_be16(&frame[kSourcePortAt + (up ? 0 : 2)])];
    const auto mark = static_cast<Dscp>(frame[15] >> 2);
    if (!flow.marks.empty() && flow.marks.back() != mark) ++flow.changes;
    flow.marks.push_back(mark);
    if (mark < dscp::kAf41) return;
    ++flow.marked;
    flow.marked_bits += frame.size() * kBitsPerByte;
  }

  static size_t marked(const std::map<uint16_t, Flow>& flows) {
    size_t all = 0;
    for (const auto& [port, flow] : flows) all += flow.marked;
    return all;
  }
  static uint64_t marked_bits(const std::map<uint16_t, Flow>& flows) {
    uint64_t all = 0;
    for (const auto& [port, flow] : flows) all += flow.marked_bits;
    return all;
  }
  uint64_t demoted(size_t reason) const {
    uint64_t all = 0;
    for (const auto& worker : counters_) all += worker->demoted[reason].get();
    return all;
  }

  std::vector<std::unique_ptr<WorkerCounters>> counters_;
};

INSTANTIATE_TEST_SUITE_P(Workers, LiveMarksTest, ::testing::Values(1, 2));

TEST_P(LiveMarksTest, ACallKeepsItsMarkToItsEnd) {
  const auto flows = pass({call(0x0a000001, 5000), call(0x0a000002, 5002)});
  ASSERT_EQ(flows.size(), 2U);
  for (const auto& [port, flow] : flows) {
    EXPECT_EQ(flow.changes, 1U);
    EXPECT_GT(flow.marked, flow.marks.size() - 60) << "from the first 0.6 s on";
    EXPECT_EQ(flow.marks.back(), dscp::kExpedited);
  }
}

TEST_P(LiveMarksTest, AVideoCallOfFullSizeKeepsItsMark) {
  Stream video = constant(4, 20 * kUsPerSecond);  // each way
  video.answered = true;
  const auto flows = pass({video}, "{}", "video-call");
  const Flow& flow = flows.begin()->second;
  EXPECT_EQ(flow.changes, 1U);
  EXPECT_EQ(flow.marks.back(), dscp::kAf41);
}

TEST_P(LiveMarksTest, NoPingLeavesAsVoice) {
  Stream slow = call(0x0a000001, 1), fast = call(0x0a000002, 2);
  slow.is_ping = fast.is_ping = true;
  slow.interval_us = kUsPerSecond / 20;
  slow.length_us = fast.length_us = 60 * kUsPerSecond;
  fast.frame.tos = dscp::kExpedited << 2;  // ping -Q
  const auto flows = pass({slow, fast});
  for (const Dscp mark : flows.at(1).marks) ASSERT_EQ(mark, dscp::kDefault);
  EXPECT_EQ(flows.at(2).marks.back(), dscp::kDefault) << "not even one that marks itself";
  EXPECT_GT(demoted(0), 8000U);
}

TEST_P(LiveMarksTest, NoFloodLeavesAsVoice) {
  Stream flood = call(0x0a000001, 1);
  flood.frame.ip_length = 46;
  flood.interval_us = 9;  // 110,000 packets a second
  flood.length_us = kUsPerSecond / 2;
  flood.answered = false;
  EXPECT_EQ(marked(pass({flood})), 0U);
}

TEST_P(LiveMarksTest, NoStreamOf50MbitOrMoreLeavesAsACall) {
  for (const uint32_t mbit : {50U, 400U}) {
    for (const char* winner : {"voip", "video-call"}) {
      EXPECT_EQ(marked(pass({constant(mbit, kUsPerSecond / 2)}, "{}", winner)), 0U)
          << winner << " " << mbit;
    }
  }
}

// Also after its time of refusal is over, again and again.
TEST_P(LiveMarksTest, WhatIsRefusedStaysSo) {
  const auto flows = pass({constant(5, 60 * kUsPerSecond)});
  EXPECT_EQ(marked(flows), 0U);
  EXPECT_EQ(flows.begin()->second.changes, 0U);
}

TEST_P(LiveMarksTest, AHostGetsNoMoreThanAVideoCallNeeds) {
  constexpr TimeUs kLength = 10 * kUsPerSecond;
  std::vector<Stream> calls;
  for (uint16_t i = 0; i < 60; ++i) {
    calls.push_back(call(0x0a000001, static_cast<uint16_t>(5000 + i)));
    calls.back().length_us = kLength;
  }
  const auto flows = pass(calls);
  const uint64_t of_the_share = marked_bits(flows) * 100 / (4'000'000ULL * 10);
  EXPECT_GE(of_the_share, 75U);
  EXPECT_LE(of_the_share, 100U);
  for (const auto& [port, flow] : flows) {
    EXPECT_LE(flow.changes, 1U) << "in or out as a whole";
    EXPECT_TRUE(flow.marked == 0 || flow.marked > flow.marks.size() * 9 / 10) << port;
  }
  EXPECT_GT(demoted(2), 0U);
}

TEST_P(LiveMarksTest, AllHostsTogetherGetTheirPartOfTheLink) {
  std::vector<Stream> calls;
  for (uint16_t i = 0; i < 200; ++i) {
    calls.push_back(call(0x0a000001U + i, static_cast<uint16_t>(5000 + i)));
  }
  const auto flows = pass(calls, "{link_mbit: 100, ef_share_max: 0.1}");  // offered: 34 Mbit/s
  const uint64_t of_the_share = marked_bits(flows) * 100 / (10'000'000ULL * 10);
  EXPECT_GE(of_the_share, 75U) << "whatever the number of workers";
  EXPECT_LE(of_the_share, 100U);
  for (const auto& [port, flow] : flows) EXPECT_LE(flow.changes, 1U) << port;
}

TEST_P(LiveMarksTest, WhoMarksHimselfHasNoMoreOfItThanOthers) {
  Stream stream = constant(50, 2 * kUsPerSecond);
  stream.frame.tos = dscp::kExpedited << 2;
  const auto flow = pass({stream}).begin()->second;
  EXPECT_EQ(flow.changes, 1U) << "from the verdict on it is known for what it is";
  EXPECT_EQ(flow.marks.back(), dscp::kDefault);
  EXPECT_EQ(pass({stream}, "{fallback: LE}").begin()->second.marks.back(), dscp::kLowerEffort);
  EXPECT_EQ(pass({stream}, "{fallback: keep}").begin()->second.marks.back(), dscp::kExpedited);
}

TEST_P(LiveMarksTest, WithoutLimitsEveryFlowIsMarked) {
  const auto flows =
      pass({constant(50, kUsPerSecond)}, "{ef_flow_kbit: 0, ef_host_kbit: 0, ef_share_max: 1}");
  EXPECT_GT(marked(flows), 4000U) << "of 5000";
}

}  // namespace
}  // namespace flowmark
