#pragma once

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "classify/classifier.h"
#include "support/fake_model.h"
#include "support/frames.h"
#include "unit/classify/kept_events.h"

namespace flowmark {

/// A classifier of one worker, with room for 1024 flows, and its clock.
class ClassifierFixture : public ::testing::Test {
 protected:
  ClassifierFixture() {
    options_.table.capacity = 1024;
    options_.window_memory_bytes = 16u << 20;
  }

  Classifier& classifier() {
    if (!classifier_) classifier_ = std::make_unique<Classifier>(options_, *counters_, &events_);
    return *classifier_;
  }

  void use(std::vector<ActiveModel> models) {
    sets_.push_back(
        std::make_unique<ModelSet>(sets_.size() + 1, std::move(models), marking_,
                                   sets_.empty() ? MarkNumbers{} : sets_.back()->numbers(),
                                   std::make_shared<PolicyTable>(policies_)));
    classifier().use_models(sets_.back().get());
  }

  /// One packet through the classifier and all due inference; the frame as it left.
  std::vector<uint8_t> send(const testing::UdpFrame& frame, TimeUs step_us = 10'000,
                            uint16_t port = 0) {
    now_us_ += step_us;
    std::vector<uint8_t> bytes = frame.bytes();
    std::array<Packet, 1> packets{testing::packet_of(bytes, now_us_, port)};
    std::array<bool, 1> marked{};
    classifier().process(packets, marked);
    EXPECT_EQ(marked[0], bytes != frame.bytes());
    EXPECT_TRUE(testing::ipv4_checksum_valid(bytes));
    classifier().infer(UINT64_MAX);
    return bytes;
  }

  static Dscp dscp_of(const std::vector<uint8_t>& frame) { return frame[15] >> 2; }

  ClassifierOptions options_;
  Marking marking_;                   ///< of the next use()
  std::vector<FlowPolicy> policies_;  ///< of the next use()
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  KeptEvents events_;
  std::deque<std::unique_ptr<ModelSet>> sets_;
  std::unique_ptr<Classifier> classifier_;
  TimeUs now_us_ = 1'700'000'000'000'000;
};

}  // namespace flowmark
