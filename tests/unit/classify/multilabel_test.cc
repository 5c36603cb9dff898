// Models that name several kinds of traffic at once: verdicts, metrics and marks.
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "classify/classifier.h"
#include "support/fake_model.h"
#include "support/frames.h"
#include "unit/classify/kept_events.h"

namespace flowmark {
namespace {

using testing::UdpFrame;

/// Answers what the test says, one probability a class.
class GivenEngine final : public Engine {
 public:
  explicit GivenEngine(const std::vector<float>& answer) : answer_(answer) {}
  std::unique_ptr<EngineScratch> make_scratch() const override {
    return std::make_unique<EngineScratch>();
  }
  void begin(EngineScratch&, std::span<const SparseValue>) const noexcept override {}
  bool step(EngineScratch&, uint32_t) const noexcept override { return true; }
  std::span<const float> probabilities(const EngineScratch&) const noexcept override {
    return answer_;
  }
  uint32_t input_length() const noexcept override { return testing::histogram_spec().length(); }
  uint32_t class_count() const noexcept override { return static_cast<uint32_t>(answer_.size()); }
  const char* kind() const noexcept override { return "given"; }

 private:
  const std::vector<float>& answer_;
};

/// A tunnel whose content the test names.
class Multilabel : public ::testing::Test {
 protected:
  Multilabel() {
    ClassifierOptions options;
    options.table.capacity = 64;
    options.window_memory_bytes = 4u << 20;
    classifier_ = std::make_unique<Classifier>(options, *counters_, &events_);
  }

  ActiveModel content() {
    auto model = std::make_shared<Model>();
    model->path = "fake.onnx";
    model->task = "content";
    model->classes = {"browsing", "p2p", "voip"};
    model->input = testing::histogram_spec();
    model->multilabel = true;
    model->label_thresholds = {0.5F, 0.5F, 0.3F};
    model->engine = std::make_unique<GivenEngine>(answer_);
    ActiveModel active = testing::active(model, "content");
    active.policy.votes = 1;
    active.policy.hop_packets = 4;
    active.class_dscp = {dscp::kDefault, dscp::kLowerEffort, dscp::kExpedited};
    return active;
  }

  void use(std::vector<ActiveModel> models) {
    set_ = std::make_unique<ModelSet>(1, std::move(models));
    classifier_->use_models(set_.get());
  }

  /// The DSCP that the last of some packets leaves with.
  Dscp send(int packets) {
    Dscp mark = 0;
    for (int i = 0; i < packets; ++i) {
      now_us_ += 10'000;
      std::vector<uint8_t> bytes = UdpFrame{.ip_length = 200}.bytes();
      std::array<Packet, 1> burst{testing::packet_of(bytes, now_us_, 0)};
      std::array<bool, 1> marked{};
      classifier_->process(burst, marked);
      classifier_->infer(UINT64_MAX);
      mark = bytes[15] >> 2;
    }
    return mark;
  }

  const ModelCounters& counters() const { return counters_->models[0]; }

  std::vector<float> answer_{0, 0, 0};
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  KeptEvents events_;
  std::unique_ptr<ModelSet> set_;
  std::unique_ptr<Classifier> classifier_;
  TimeUs now_us_ = 1'700'000'000'000'000;
};

TEST_F(Multilabel, AVerdictNamesAllThatIsThere) {
  use({content()});
  answer_ = {0.9F, 0.1F, 0.4F};  // voip is there from 0.3 on
  send(4);
  ASSERT_EQ(events_.all.size(), 1U);
  EXPECT_EQ(events_.all[0].labels, 0b101U);
  EXPECT_EQ(events_.all[0].class_index, 0);
  EXPECT_FLOAT_EQ(events_.all[0].confidence, 0.9F);
  EXPECT_EQ(counters().verdicts[0].get(), 1U);
  EXPECT_EQ(counters().verdicts[1].get(), 0U);
  EXPECT_EQ(counters().verdicts[2].get(), 1U);
  EXPECT_EQ(counters().flows_now[0].get(), 1U);
  EXPECT_EQ(counters().flows_now[2].get(), 1U);
  send(4);  // then the flow is looked at again, and its packets are counted
  EXPECT_EQ(counters().packets[0].get(), 4U);
  EXPECT_EQ(counters().packets[1].get(), 0U);
  EXPECT_EQ(counters().packets[2].get(), 4U);
}

TEST_F(Multilabel, TheMostDemandingKindDecidesTheMark) {
  use({content()});
  answer_ = {0.9F, 0.9F, 0.6F};
  EXPECT_EQ(send(5), dscp::kExpedited);
  answer_ = {0.9F, 0.9F, 0.0F};  // the call has ended
  EXPECT_EQ(send(9), dscp::kDefault);
  answer_ = {0.0F, 0.9F, 0.0F};
  EXPECT_EQ(send(18), dscp::kLowerEffort);
}

TEST_F(Multilabel, WhatComesAndGoesIsCounted) {
  use({content()});
  answer_ = {0.9F, 0.1F, 0.1F};
  send(4);
  answer_ = {0.9F, 0.8F, 0.1F};
  send(16);
  EXPECT_EQ(counters().changes.get(), 1U);
  EXPECT_EQ(counters().verdicts[0].get(), 1U);
  EXPECT_EQ(counters().verdicts[1].get(), 1U);
  EXPECT_EQ(counters().flows_now[1].get(), 1U);
  EXPECT_EQ(events_.all.back().labels, 0b011U);
  answer_ = {0, 0, 0};
  send(32);
  EXPECT_EQ(events_.all.back().class_index, kNoClass);
  EXPECT_EQ(events_.all.back().labels, 0U);
  EXPECT_EQ(counters().flows_now[0].get(), 0U);
  EXPECT_EQ(counters().flows_now[1].get(), 0U);
  EXPECT_GT(counters().abstentions.get(), 0U);
  classifier_->finish();
  EXPECT_EQ(counters().flows_now[0].get(), 0U);
}

TEST_F(Multilabel, ALabelStaysWithinTheHysteresis) {
  use({content()});
  answer_ = {0.55F, 0, 0};
  send(4);
  answer_ = {0.45F, 0, 0};  // above 0.5 - 0.1
  send(16);
  EXPECT_EQ(counters().flows_now[0].get(), 1U);
  answer_ = {0.35F, 0, 0};
  send(32);
  EXPECT_EQ(counters().flows_now[0].get(), 0U);
}

TEST_F(Multilabel, AnotherModelMayWaitForOneOfTheLabels) {
  ActiveModel second = testing::active(testing::size_model(testing::histogram_spec()));
  second.condition = VerdictCondition{.class_mask = 0b100};  // voip
  use({content(), second});
  answer_ = {0.9F, 0, 0};
  send(10);
  EXPECT_EQ(counters_->models[1].inferences.get(), 0U);
  answer_ = {0.9F, 0, 0.9F};
  send(40);
  EXPECT_GT(counters_->models[1].inferences.get(), 0U);
}

}  // namespace
}  // namespace flowmark
