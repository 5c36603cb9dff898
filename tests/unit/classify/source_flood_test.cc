// Packets from made-up sources, each a flow of its own: a call that begins amid them is classified
// as soon as without them.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "classify/classifier.h"
#include "support/fake_model.h"
#include "support/frames.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::size_model;
using testing::UdpFrame;

struct Flood {
  const char* name;
  uint32_t flows_per_second;
  uint32_t packets;       ///< of each flow
  bool answered = false;  ///< every other one comes back
};

/// A gateway's classifier, at the defaults, for as long as a flood and a call in it last.
class Gateway {
 public:
  explicit Gateway(const Flood& flood) : flood_(flood) {
    ClassifierOptions options;
    options.window_memory_bytes = 64u << 20;
    options.due_capacity = 4096;
    models_ = std::make_unique<ModelSet>(1, std::vector{active(size_model(histogram_spec()))});
    classifier_ = std::make_unique<Classifier>(options, *counters_, nullptr);
    classifier_->use_models(models_.get());
  }

  void pass(TimeUs time_us) {
    for (const TimeUs end_us = now_us_ + time_us; now_us_ < end_us; now_us_ += kStepUs) {
      flows_owed_ += flood_.flows_per_second * static_cast<double>(kStepUs) / 1e6;
      for (; flows_owed_ >= 1; --flows_owed_) send_strangers_flow();
      classifier_->infer(UINT64_MAX);
      classifier_->expire(now_us_);
    }
  }
  /// Packets of a call, 50 a second each way, until one is marked; `most` if none is.
  int packets_until_marked(int most) {
    const UdpFrame up{.source = 0x0a000007, .source_port = 30000};
    for (int i = 0; i < most; ++i) {
      pass(10'000);
      if (send(i % 2 == 0 ? up : up.reversed())) return i;
    }
    return most;
  }
  const WorkerCounters& counters() const { return *counters_; }

 private:
  static constexpr TimeUs kStepUs = 1000;

  void send_strangers_flow() {
    const UdpFrame frame{.source = static_cast<uint32_t>(random_()),
                         .source_port = static_cast<uint16_t>(random_())};
    for (uint32_t i = 0; i < flood_.packets; ++i) {
      send(flood_.answered && i % 2 == 1 ? frame.reversed() : frame);
    }
  }
  bool send(const UdpFrame& frame) {
    auto bytes = frame.bytes();
    std::array<Packet, 1> packets{testing::packet_of(bytes, now_us_)};
    std::array<bool, 1> marked{};
    classifier_->process(packets, marked);
    return marked[0];
  }

  Flood flood_;
  std::mt19937_64 random_{7};
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  std::unique_ptr<ModelSet> models_;
  std::unique_ptr<Classifier> classifier_;
  TimeUs now_us_ = 1'700'000'000'000'000;
  double flows_owed_ = 0;
};

constexpr int kMost = 300;

class SourceFlood : public ::testing::TestWithParam<Flood> {};

TEST_P(SourceFlood, ACallThatBeginsAmidItIsMarkedAsSoonAsWithoutIt) {
  Gateway calm(Flood{"calm", 0, 0});
  const int expected = calm.packets_until_marked(kMost);
  ASSERT_LT(expected, kMost);
  Gateway flooded(GetParam());
  const uint32_t seconds = 2 + 65536 / GetParam().flows_per_second;  // the table is full
  flooded.pass(seconds * kUsPerSecond);
  EXPECT_EQ(flooded.packets_until_marked(kMost), expected);
  EXPECT_GT(flooded.counters().flows_evicted.get(), 0U) << "the table was full";
}

INSTANTIATE_TEST_SUITE_P(Floods, SourceFlood,
                         ::testing::Values(Flood{"Slow", 8'000, 1}, Flood{"Fast", 60'000, 1},
                                           Flood{"RepeatedOnce", 30'000, 2},
                                           Flood{"Answered", 30'000, 2, true},
                                           Flood{"EnoughForAModel", 15'000, 4}),
                         [](const auto& named) { return std::string(named.param.name); });

}  // namespace
}  // namespace flowmark
