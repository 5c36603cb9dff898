// The windows that a classifier asks its model about are those that training cuts at its moments
// (window/served_windows.h), for each kind of feature.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <vector>

#include "classify/classifier.h"
#include "support/fake_model.h"
#include "support/frames.h"
#include "window/served_windows.h"

namespace flowmark {
namespace {

using testing::UdpFrame;

/// Remembers each window that it is asked about.
class RecordingEngine final : public Engine {
 public:
  RecordingEngine(uint32_t length, std::vector<SparseWindow>& asked)
      : length_(length), asked_(asked) {}

  struct Scratch final : EngineScratch {
    std::array<float, 2> probabilities{0.5F, 0.5F};
  };
  std::unique_ptr<EngineScratch> make_scratch() const override {
    return std::make_unique<Scratch>();
  }
  void begin(EngineScratch&, std::span<const SparseValue> window) const noexcept override {
    asked_.emplace_back(window.begin(), window.end());
  }
  bool step(EngineScratch&, uint32_t) const noexcept override { return true; }
  std::span<const float> probabilities(const EngineScratch& scratch) const noexcept override {
    return static_cast<const Scratch&>(scratch).probabilities;
  }
  uint32_t input_length() const noexcept override { return length_; }
  uint32_t class_count() const noexcept override { return 2; }
  const char* kind() const noexcept override { return "recording"; }

 private:
  uint32_t length_;
  std::vector<SparseWindow>& asked_;
};

ModelSet recording_models(const FeatureSpec& spec, const AskPolicy& policy,
                          std::vector<SparseWindow>& asked) {
  auto model = std::make_shared<Model>();
  model->path = model->task = "recording";
  model->classes = {"a", "b"};
  model->input = spec;
  model->engine = std::make_unique<RecordingEngine>(spec.length(), asked);
  ActiveModel active;
  active.name = "recording";
  active.model = std::move(model);
  static_cast<AskPolicy&>(active.policy) = policy;
  active.class_dscp.resize(2);
  return ModelSet(1, {std::move(active)});
}

/// Packets of both directions at an uneven pace, with pauses of which some end the flow.
RecordedFlow random_flow(std::mt19937& random) {
  RecordedFlow flow;
  TimeUs at = 1'700'000'000'000'000 + random() % 5'000'000;
  const TimeUs usual = 1 + random() % 60'000;
  const size_t packets = 2 + random() % 3000;
  const auto up_share = random() % 100;
  for (size_t i = 0; i < packets; ++i) {
    if (random() % 100 == 0) at += random() % 30'000'000;
    if (random() % 1000 == 0) at += 125'000'000;
    if (random() % 4 != 0) at += random() % usual;
    flow.packets.push_back({at, static_cast<uint16_t>(28 + random() % 1400),
                            random() % 100 < up_share ? Direction::up : Direction::down, false});
  }
  return flow;
}

/// What a classifier with this model asks it about.
std::vector<SparseWindow> asked_live(const RecordedFlow& flow, const FeatureSpec& spec,
                                     const AskPolicy& policy) {
  std::vector<SparseWindow> asked;
  const ModelSet models = recording_models(spec, policy, asked);
  ClassifierOptions options;
  options.table.capacity = 16;
  options.window_memory_bytes = 8U << 20;
  options.direction = DirectionRule::lan_port;
  const auto counters = std::make_unique<WorkerCounters>();
  Classifier classifier(options, *counters, nullptr);
  classifier.use_models(&models);
  for (const FlowPacket& packet : flow.packets) {
    const bool up = packet.direction == Direction::up;
    UdpFrame frame{.ip_length = packet.size};
    std::vector<uint8_t> bytes = (up ? frame : frame.reversed()).bytes();
    std::array<Packet, 1> burst{testing::packet_of(bytes, packet.time_us, up ? 0 : 1)};
    classifier.process(burst, {});
    classifier.infer(UINT64_MAX);
    classifier.expire(packet.time_us);
  }
  classifier.use_models(nullptr);
  return asked;
}

std::vector<SparseWindow> cut(const RecordedFlow& flow, const FeatureSpec& spec,
                              const AskPolicy& policy) {
  std::vector<SparseWindow> windows;
  cut_served_windows(flow, spec, {.policy = policy},
                     [&](const OfflineWindow& window) { windows.push_back(window.features); });
  return windows;
}

class ServedAsLive : public ::testing::TestWithParam<FeatureSpec> {};

TEST_P(ServedAsLive, TheSameWindowsInTheSameOrder) {
  const std::vector<AskPolicy> policies = {
      {},
      {.min_packets = 4, .hop_packets = 32, .hop_us = kUsPerSecond},
      {.min_packets = 10, .min_us = 2 * kUsPerSecond, .hop_packets = 100}};
  std::mt19937 random(7);
  size_t windows = 0;
  for (int i = 0; i < 12; ++i) {
    const RecordedFlow flow = random_flow(random);
    const AskPolicy& policy = policies[static_cast<size_t>(i) % policies.size()];
    const auto live = asked_live(flow, GetParam(), policy);
    const auto offline = cut(flow, GetParam(), policy);
    ASSERT_EQ(live.size(), offline.size()) << "flow " << i;
    for (size_t w = 0; w < live.size(); ++w) ASSERT_EQ(live[w], offline[w]) << i << ", " << w;
    windows += live.size();
  }
  EXPECT_GT(windows, 200U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ServedAsLive,
                         ::testing::Values(testing::histogram_spec(64),
                                           testing::histogram_spec(1024), testing::picture_spec(),
                                           testing::picture_spec(2 * kUsPerSecond, 32)));

}  // namespace
}  // namespace flowmark
