// Flows of any age, and clocks that do as they like: windows become due as in a young flow.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>

#include "classify/classifier.h"
#include "support/fake_model.h"
#include "support/frames.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::picture_spec;
using testing::size_model;

constexpr TimeUs kHour = 3600 * kUsPerSecond;
constexpr TimeUs kDay = 24 * kHour;

/// A classifier with one flow.
class LongLife {
 public:
  explicit LongLife(const FeatureSpec& spec, uint32_t hop_packets = 16) {
    ActiveModel model = active(size_model(spec));
    model.policy.hop_packets = hop_packets;
    ClassifierOptions options;
    options.table.capacity = 64;
    options.table.timeouts.idle_ms = options.table.timeouts.young_ms = 3'600'000;
    options.window_memory_bytes = 1u << 20;
    models_ = std::make_unique<ModelSet>(1, std::vector{model});
    ActiveModel other = active(size_model(spec));
    other.policy = model.policy;
    others_ = std::make_unique<ModelSet>(2, std::vector{other});
    classifier_ = std::make_unique<Classifier>(options, *counters_, nullptr);
    classifier_->use_models(models_.get());
  }

  void packet(TimeUs step_us) {
    now_us_ += step_us;
    std::array<Packet, 1> packets{testing::packet_of(frame_, now_us_)};
    classifier_->process(packets, {});
    classifier_->infer(UINT64_MAX);
    classifier_->expire(now_us_);
  }
  void live(TimeUs age_us) {
    constexpr TimeUs kSeldom = 59 * 60 * kUsPerSecond;
    for (TimeUs left_us = age_us; left_us > 0; left_us -= kSeldom) {
      packet(std::min(left_us, kSeldom));
    }
  }
  void change_models(int times) {
    for (int i = times; i > 0; --i) {  // at last the first ones
      classifier_->use_models(i % 2 == 0 ? others_.get() : models_.get());
    }
  }
  void set_clock(TimeUs by_us) { now_us_ += by_us; }
  /// Inferences that so many packets bring about.
  int inferences(int packets, TimeUs step_us) {
    const uint64_t before = counters_->models[0].inferences.get();
    for (int i = 0; i < packets; ++i) packet(step_us);
    return static_cast<int>(counters_->models[0].inferences.get() - before);
  }
  uint64_t flows_so_far() const { return classifier_->flows().counters().inserted; }

 private:
  std::vector<uint8_t> frame_ = testing::UdpFrame{}.bytes();
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  std::unique_ptr<ModelSet> models_, others_;
  std::unique_ptr<Classifier> classifier_;
  TimeUs now_us_ = 1'700'000'000'000'000;
};

constexpr int kPackets = 10'000;
constexpr int kFew = 4;  // inferences more or less, by where in a hop the packets begin

class Aged : public ::testing::TestWithParam<TimeUs> {};

// 2^31 and 2^32 milliseconds lie within the 100 seconds of packets that come at the end.
INSTANTIATE_TEST_SUITE_P(Ages, Aged,
                         ::testing::Values((TimeUs{1} << 31) * kUsPerMs - 50 * kUsPerSecond,
                                           (TimeUs{1} << 32) * kUsPerMs - 50 * kUsPerSecond,
                                           50 * kDay, 100 * kDay, 1000 * kDay));

TEST_P(Aged, IsAskedByPacketsAsOftenAsAYoungFlow) {
  for (const FeatureSpec& spec : {histogram_spec(), picture_spec()}) {
    LongLife young(spec), old(spec);
    young.live(kHour);
    old.live(GetParam());
    EXPECT_NEAR(old.inferences(kPackets, 10'000), young.inferences(kPackets, 10'000), kFew);
    EXPECT_EQ(old.flows_so_far(), 1U) << "it was one flow all the time";
  }
}

TEST_P(Aged, IsAskedByTimeAsOftenAsAYoungFlow) {
  constexpr uint32_t kNever = 1u << 20;
  for (const FeatureSpec& spec : {histogram_spec(), picture_spec()}) {
    LongLife young(spec, kNever), old(spec, kNever);
    young.live(kHour);
    old.live(GetParam());
    const int expected = kPackets / 15;  // hop_seconds, a packet a second
    EXPECT_NEAR(old.inferences(kPackets, kUsPerSecond), expected, kFew);
    EXPECT_NEAR(young.inferences(kPackets, kUsPerSecond), expected, kPackets / 100)
        << "and by packets at first, in numbers that double";
  }
}

// Entries tell models apart by eight bits.
TEST(Models, ThatChangeAnyNumberOfTimesBetweenTwoPacketsAskTheFlowAgain) {
  for (const int changes : {1, 255, 256, 257, 512, 1000}) {
    LongLife flow(histogram_spec());
    flow.inferences(1000, 10'000);
    flow.change_models(changes);
    EXPECT_NEAR(flow.inferences(1000, 10'000), 1000 / 16, kFew + 16) << changes;
  }
}

class OddClock : public ::testing::TestWithParam<FeatureSpec> {
 protected:
  /// After a minute of packets.
  LongLife flow() const {
    LongLife flow(GetParam());
    flow.inferences(6000, 10'000);
    return flow;
  }
};
INSTANTIATE_TEST_SUITE_P(Windows, OddClock, ::testing::Values(histogram_spec(), picture_spec()),
                         [](const auto& named) { return std::string(named.param.kind()); });

constexpr int kByPackets = kPackets / 16;

TEST_P(OddClock, ThatStandsStillLeavesPacketsToCount) {
  LongLife still = flow();
  EXPECT_NEAR(still.inferences(kPackets, 0), kByPackets, kFew);
}

TEST_P(OddClock, SetBackByADayAsWell) {
  LongLife back = flow();
  back.set_clock(-kDay);
  EXPECT_NEAR(back.inferences(kPackets, 10'000), kByPackets, kFew);
  EXPECT_EQ(back.flows_so_far(), 1U);
}

TEST_P(OddClock, SetForthByADayEndsTheFlow) {
  LongLife forth = flow();
  forth.set_clock(kDay);
  EXPECT_NEAR(forth.inferences(kPackets, 10'000), kByPackets, kFew);
  EXPECT_EQ(forth.flows_so_far(), 2U);
}

TEST_P(OddClock, SetForthAndBackAndForth) {
  LongLife both = flow();
  for (const TimeUs by_us : {kDay, -kDay, kDay, 50 * kDay, -100 * kDay}) {
    both.set_clock(by_us);
    EXPECT_NEAR(both.inferences(kPackets, 10'000), kByPackets, kFew) << by_us;
  }
}

}  // namespace
}  // namespace flowmark
