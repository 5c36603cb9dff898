// The live path (flow table, staged records, lazy windows, queue of due windows) against the rules
// said plainly over recorded flows: every packet goes into its flow's windows at once, every rule
// is looked at for every packet. The same flows must get the same verdicts, at the same packets,
// from the same windows.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <sstream>
#include <tuple>

#include "capture/capture_clock.h"
#include "capture/reader.h"
#include "capture/sequence_file.h"
#include "classify/classifier.h"
#include "support/frames.h"
#include "support/shared_data.h"
#include "unit/classify/plain_flow.h"

namespace flowmark {
namespace {

using testing::digest_models;
using testing::FlowVerdicts;
using testing::PlainFlow;
using testing::Told;

/// The flow without its pauses of over an hour: the flow table's longest timeout ends a flow there.
std::vector<RecordedFlow> parts_of(const RecordedFlow& flow) {
  std::vector<RecordedFlow> parts;
  for (FlowPacket packet : flow.packets) {
    const bool paused = !parts.empty() &&
                        packet.time_us - parts.back().packets.back().time_us > 3'600 * kUsPerSecond;
    if (parts.empty() || paused) parts.push_back({flow.name, "", {}});
    parts.back().packets.push_back(packet);
  }
  for (RecordedFlow& part : parts) {  // who speaks first again is upstream
    if (part.packets[0].direction == Direction::up) continue;
    for (FlowPacket& packet : part.packets) {
      packet.direction = packet.direction == Direction::up ? Direction::down : Direction::up;
    }
    std::istringstream words(flow.name);
    std::string protocol, from, to;
    words >> protocol >> from >> to;
    part.name = protocol + ' ' + to + ' ' + from;
  }
  return parts;
}

void plainly(const RecordedFlow& flow, const ModelSet& models, FlowVerdicts& verdicts) {
  for (const RecordedFlow& part : parts_of(flow)) {
    BlockPool pool(8 << 20);
    std::vector<Told> told;
    {
      PlainFlow plain(models, pool, told, facts_of(part));
      for (size_t i = 0; i < part.packets.size(); ++i) {
        ASSERT_NO_FATAL_FAILURE(plain.add(part.packets[i], i == 0));
      }
    }
    if (told.empty()) continue;
    auto& all = verdicts[part.name];
    all.insert(all.end(), told.begin(), told.end());
  }
}

class Live final : public VerdictSink {
 public:
  Live(const ModelSet& models, const FlowTimeouts& timeouts) {
    ClassifierOptions options;
    options.table.capacity = 1u << 17;
    options.table.timeouts = timeouts;
    options.window_memory_bytes = 1u << 30;
    classifier_ = std::make_unique<Classifier>(options, *counters_, this);
    classifier_->use_models(&models);
  }

  void packet(Packet packet) {
    now_us_ = std::max(now_us_, packet.time_us);
    packet.time_us = now_us_;
    std::array<bool, 1> marked{};
    classifier_->process({&packet, 1}, marked);
    classifier_->infer(UINT64_MAX);
  }

  void on_verdict(const VerdictEvent& event) noexcept override {
    if (event.final) return;
    verdicts[to_string(event.key, event.up_is_a)].push_back(
        {event.time_us, event.model, event.class_index, event.confidence, event.packets,
         event.bytes, event.provisional});
  }

  void finish() {
    classifier_->finish();
    for (const ModelCounters& model : counters_->models) inferences += model.inferences.get();
    EXPECT_EQ(counters_->bypassed[static_cast<size_t>(Bypass::out_of_memory)].get(), 0U);
    EXPECT_EQ(counters_->bypassed[static_cast<size_t>(Bypass::table_full)].get(), 0U);
  }

  FlowVerdicts verdicts;
  uint64_t inferences = 0;

 private:
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  std::unique_ptr<Classifier> classifier_;
  TimeUs now_us_ = 0;
};

void expect_same(const FlowVerdicts& live, const FlowVerdicts& plain) {
  for (const auto& [flow, told] : plain) {
    const auto found = live.find(flow);
    ASSERT_NE(found, live.end()) << flow << ": no verdict live";
    ASSERT_EQ(found->second, told) << flow;
  }
  ASSERT_EQ(live.size(), plain.size());
}

size_t count(const FlowVerdicts& verdicts) {
  size_t sum = 0;
  for (const auto& [flow, told] : verdicts) sum += told.size();
  return sum;
}

/// Flows through the live path as UDP packets, in the order of their times.
void compare_flows(std::vector<RecordedFlow> flows, const std::string& what) {
  const ModelSet set = digest_models();
  FlowVerdicts plain;
  struct Next {
    TimeUs time_us;
    size_t flow, packet;
  };
  std::vector<Next> order;
  for (size_t f = 0; f < flows.size(); ++f) {
    RecordedFlow& flow = flows[f];
    const testing::UdpFrame frame{.source = 0x0a000000 + static_cast<uint32_t>(f),
                                  .source_port = static_cast<uint16_t>(1024 + f % 60'000)};
    // Recorded sizes start at one byte, packets with ports at 28; a first packet is upstream.
    const Direction first = flow.packets.empty() ? Direction::up : flow.packets[0].direction;
    for (size_t i = 0; i < flow.packets.size(); ++i) {
      FlowPacket& packet = flow.packets[i];
      packet.size = std::max<uint16_t>(packet.size, 28);
      packet.direction = packet.direction == first ? Direction::up : Direction::down;
      packet.pure_ack = false;
      order.push_back({packet.time_us, f, i});
    }
    auto bytes = frame.bytes();
    ParsedPacket parsed;
    parse(testing::packet_of(bytes, 0), {}, parsed);
    flow.name = to_string(parsed.key, parsed.from_a);
    ASSERT_NO_FATAL_FAILURE(plainly(flow, set, plain)) << flow.name;
  }
  std::ranges::sort(
      order, {}, [](const Next& next) { return std::tuple(next.time_us, next.flow, next.packet); });
  constexpr uint32_t kHour = 3'600'000;  // a recorded flow is never two
  Live live(set, {.idle_ms = kHour, .closing_ms = kHour, .young_ms = kHour});
  for (const Next& next : order) {
    const FlowPacket& packet = flows[next.flow].packets[next.packet];
    testing::UdpFrame frame{.source = 0x0a000000 + static_cast<uint32_t>(next.flow),
                            .source_port = static_cast<uint16_t>(1024 + next.flow % 60'000)};
    if (packet.direction == Direction::down) frame = frame.reversed();
    auto bytes = frame.bytes();
    bytes[16] = static_cast<uint8_t>(packet.size >> 8);
    bytes[17] = static_cast<uint8_t>(packet.size);
    bytes[38] = bytes[39] = 0;  // UDP: to the end
    Packet view = testing::packet_of(bytes, packet.time_us);
    view.wire_length = 14U + packet.size;
    view.head_length = std::min(view.head_length, view.wire_length);
    live.packet(view);
  }
  live.finish();
  ASSERT_NO_FATAL_FAILURE(expect_same(live.verdicts, plain)) << what;
  std::printf("%s: %zu flows, %zu packets, %llu windows read, %zu verdicts, all the same\n",
              what.c_str(), flows.size(), order.size(),
              static_cast<unsigned long long>(live.inferences), count(plain));
}

/// A capture's frames through the live path, beside what the offline reader makes of the file.
void compare_capture(const std::string& path) {
  const ModelSet set = digest_models();
  FlowVerdicts plain;
  size_t flows = 0;
  read_capture_flows(path, {}, [&](RecordedFlow&& flow) {
    ++flows;
    plainly(flow, set, plain);
  });
  Live live(set, FlowTimeouts{});
  CaptureClock clock;
  CaptureReader reader(path);
  for (Packet packet; reader.next(packet);) {
    packet.time_us = clock.advance(packet.time_us);
    live.packet(packet);
  }
  live.finish();
  ASSERT_NO_FATAL_FAILURE(expect_same(live.verdicts, plain)) << path;
  std::printf("%s: %zu flows, %zu packets, %llu windows read, %zu verdicts, all the same\n",
              path.c_str(), flows, reader.packets_read(),
              static_cast<unsigned long long>(live.inferences), count(plain));
}

std::vector<RecordedFlow> random_flows(uint32_t seed, size_t flows, size_t most_packets) {
  std::mt19937 random(seed);
  std::vector<RecordedFlow> all(flows);
  for (RecordedFlow& flow : all) {
    TimeUs at = 1'700'000'000'000'000 + random() % 5'000'000;
    const TimeUs usual = 1 + random() % 40'000;
    const size_t packets = 1 + random() % most_packets;
    const auto up_share = random() % 100;
    for (size_t i = 0; i < packets; ++i) {
      if (random() % 200 == 0) at += random() % 30'000'000;
      if (random() % 4 != 0) at += random() % usual;
      flow.packets.push_back({at, static_cast<uint16_t>(28 + random() % 1600),
                              random() % 100 < up_share ? Direction::up : Direction::down, false});
    }
  }
  return all;
}

TEST(LiveOffline, RandomFlowsGetTheSameVerdicts) {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    ASSERT_NO_FATAL_FAILURE(
        compare_flows(random_flows(seed, 60, seed * seed * 200), "seed " + std::to_string(seed)));
  }
}

TEST(LiveOffline, TheBundledCaptureGetsTheSameVerdicts) {
  ASSERT_NO_FATAL_FAILURE(compare_capture(FLOWMARK_SOURCE_DIR "/config/demo/demo.pcap.gz"));
}

/// The first flows of a packet sequence file, `most_packets` in all; the last one may be cut.
std::vector<RecordedFlow> first_flows(const std::filesystem::path& file, size_t most_packets) {
  std::vector<RecordedFlow> flows;
  read_sequence_file(file, [&](RecordedFlow&& flow) {
    if (most_packets == 0) return;
    flow.packets.resize(std::min(flow.packets.size(), most_packets));
    most_packets -= flow.packets.size();
    flows.push_back(std::move(flow));
  });
  return flows;
}

void compare_recording(const std::filesystem::path& file, size_t most_packets) {
  if (!is_sequence_file(file)) return compare_capture(file);
  const std::vector<RecordedFlow> flows = first_flows(file, most_packets);
  constexpr size_t kPart = 2000;  // a file may hold more flows than the table
  for (size_t at = 0; at < flows.size(); at += kPart) {
    const auto begin = flows.begin() + static_cast<ptrdiff_t>(at);
    const auto end = flows.begin() + static_cast<ptrdiff_t>(std::min(at + kPart, flows.size()));
    ASSERT_NO_FATAL_FAILURE(
        compare_flows({begin, end}, file.string() + " from " + std::to_string(at)));
  }
}

/// Short enough for every run: all captures, and the beginnings of the smaller sequence files.
TEST(LiveOffline, RecordingsOfOthersGetTheSameVerdicts) {
  constexpr uintmax_t kLargestFile = 8 << 20;
  constexpr size_t kMostPackets = 30'000;
  std::vector<std::filesystem::path> files;
  for (const auto& folder : {testing::shared_data(), testing::shared_data() / "pcaps"}) {
    if (!std::filesystem::is_directory(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const bool sequence = entry.path().string().ends_with(".csv.gz");
      const bool capture = entry.path().parent_path().filename() == "pcaps";
      if (!entry.is_regular_file() || (!sequence && !capture)) continue;
      if (entry.file_size() <= kLargestFile) files.push_back(entry.path());
    }
  }
  if (files.empty()) {
    GTEST_SKIP() << "no recordings in " << testing::shared_data()
                 << "; set FLOWMARK_SHARED_DATA to their folder";
  }
  std::ranges::sort(files);
  for (const auto& file : files) ASSERT_NO_FATAL_FAILURE(compare_recording(file, kMostPackets));
}

}  // namespace
}  // namespace flowmark
