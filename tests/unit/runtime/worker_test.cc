#include "runtime/worker.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "runtime/flow_text.h"
#include "runtime/model_store.h"
#include "support/fake_model.h"
#include "unit/runtime/fake_io.h"

namespace flowmark {
namespace {

using testing::FakeIo;
using testing::UdpFrame;

constexpr Dscp kSmallMark = 46, kLargeMark = 10;  // of fake_model.h

struct Events final : VerdictSink {
  std::vector<VerdictEvent> all;
  void on_verdict(const VerdictEvent& event) noexcept override { all.push_back(event); }
};

std::shared_ptr<const ModelSet> sized(uint64_t generation, double threshold_bytes) {
  return std::make_shared<const ModelSet>(
      generation, std::vector<ActiveModel>{testing::active(
                      testing::size_model(testing::histogram_spec(), threshold_bytes))});
}

/// A conversation of 200-byte packets, both ways in turn, 10 ms apart.
std::vector<FakeIo::Frame> conversation(size_t packets, uint16_t port = 40000) {
  UdpFrame frame;
  frame.source_port = port;
  std::vector<FakeIo::Frame> frames;
  for (size_t i = 0; i < packets; ++i) {
    frames.push_back({(i % 2 == 0 ? frame : frame.reversed()).bytes(),
                      static_cast<TimeUs>(1'000'000 + i * 10'000)});
  }
  return frames;
}

class WorkerTest : public ::testing::Test {
 protected:
  void run(FakeIo& io, ModelPublisher& publisher) {
    ClassifierOptions classifier;
    classifier.table.capacity = 256;
    classifier.window_memory_bytes = 8u << 20;
    WorkerOptions options;
    options.slice_ns = WorkerOptions::kNoBudget;
    Worker worker(options, classifier, io, publisher, *counters_, &events_);
    worker.run();
  }

  static Dscp dscp_of(const std::vector<uint8_t>& frame) { return frame[15] >> 2; }

  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  Events events_;
};

TEST_F(WorkerTest, HandsBackEveryPacketOnceAndInOrder) {
  FakeIo io(conversation(1000), 7);
  ModelPublisher publisher(1, no_models(1));
  run(io, publisher);
  EXPECT_EQ(io.sent.size(), 1000u);
  EXPECT_TRUE(io.in_order);
  EXPECT_TRUE(io.closed);
  EXPECT_EQ(counters_->packets.get(), 1000u);
}

TEST_F(WorkerTest, WithoutModelsPacketsPassUnchangedAndAreCounted) {
  const auto frames = conversation(100);
  FakeIo io(frames);
  ModelPublisher publisher(1, no_models(1));
  run(io, publisher);
  ASSERT_EQ(io.sent.size(), frames.size());
  for (size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(io.sent[i], frames[i].bytes);
  EXPECT_EQ(counters_->bypassed[static_cast<size_t>(Bypass::no_model)].get(), 100u);
}

TEST_F(WorkerTest, MarksBothDirectionsAfterTheVerdict) {
  FakeIo io(conversation(100), 1);
  ModelPublisher publisher(1, sized(1, 500));
  run(io, publisher);
  ASSERT_EQ(io.sent.size(), 100u);
  EXPECT_EQ(dscp_of(io.sent[0]), 0);
  EXPECT_EQ(dscp_of(io.sent[98]), kSmallMark);
  EXPECT_EQ(dscp_of(io.sent[99]), kSmallMark);
  ASSERT_FALSE(events_.all.empty());
  EXPECT_TRUE(events_.all.back().final) << "the run's end is each flow's end";
}

TEST_F(WorkerTest, ANewModelSetTakesEffectWithoutLosingAPacket) {
  FakeIo io(conversation(400), 4);
  ModelPublisher publisher(1, sized(1, 500));
  bool swapped = false;
  io.before_receive = [&](size_t received) {
    if (received >= 200 && !swapped) {
      swapped = true;
      publisher.publish(sized(2, 100));  // 200-byte packets are large from now on
    }
  };
  const std::weak_ptr<const ModelSet> old = publisher.current();
  run(io, publisher);
  ASSERT_TRUE(swapped);
  EXPECT_EQ(io.sent.size(), 400u);
  EXPECT_TRUE(io.in_order);
  EXPECT_EQ(dscp_of(io.sent[199]), kSmallMark);
  EXPECT_EQ(dscp_of(io.sent[399]), kLargeMark);
  publisher.reclaim();
  EXPECT_TRUE(old.expired());
}

TEST_F(WorkerTest, StopsWhenTold) {
  FakeIo io(conversation(10));
  io.never_ends();
  ModelPublisher publisher(1, no_models(1));
  ClassifierOptions classifier;
  classifier.table.capacity = 256;
  classifier.window_memory_bytes = 1u << 20;
  WorkerOptions options;
  options.sleep_when_idle = true;
  Worker worker(options, classifier, io, publisher, *counters_, nullptr);
  std::thread thread([&worker] { worker.run(); });
  while (counters_->empty_polls.get() < 100) std::this_thread::yield();
  worker.stop();
  thread.join();
  EXPECT_TRUE(io.closed);
  EXPECT_EQ(io.sent.size(), 10u);
  EXPECT_GT(counters_->idle_cycles.get(), 0u);
}

TEST_F(WorkerTest, PacketsThatPassByUnseenKeepItBusy) {
  FakeIo io({});
  io.never_ends();
  io.passes_by = 64;
  ModelPublisher publisher(1, no_models(1));
  ClassifierOptions classifier;
  classifier.table.capacity = 256;
  classifier.window_memory_bytes = 1u << 20;
  WorkerOptions options;
  options.sleep_when_idle = true;
  Worker worker(options, classifier, io, publisher, *counters_, nullptr);
  size_t rounds = 0;
  io.before_receive = [&](size_t) {
    if (++rounds == 1000) worker.stop();
  };
  worker.run();
  EXPECT_EQ(counters_->bursts.get(), 1000u);
  EXPECT_EQ(counters_->empty_polls.get(), 0u);
  EXPECT_EQ(counters_->idle_cycles.get(), 0u);
  EXPECT_EQ(io.rests, 0u);
}

TEST_F(WorkerTest, AnswersWhatItKnowsOfAFlow) {
  FakeIo io(conversation(300));
  io.never_ends();
  ModelPublisher publisher(1, sized(1, 500));
  ClassifierOptions classifier;
  classifier.table.capacity = 256;
  classifier.window_memory_bytes = 1u << 20;
  Worker worker(WorkerOptions{}, classifier, io, publisher, *counters_, nullptr);
  FlowQuery early;
  EXPECT_FALSE(worker.ask(early, std::chrono::steady_clock::now()))
      << "it does not run yet: the question comes back";
  std::thread thread([&worker] { worker.run(); });
  while (counters_->models[0].inferences.get() == 0 || counters_->empty_polls.get() < 100) {
    std::this_thread::yield();
  }
  FlowQuery query;
  query.key = parse_flow("udp 10.0.0.1:40000 192.0.2.1:5004");
  constexpr auto kNever = std::chrono::steady_clock::time_point::max();
  EXPECT_TRUE(worker.ask(query, kNever));
  EXPECT_TRUE(query.found);
  EXPECT_EQ(query.packets, 300u);
  EXPECT_EQ(query.mark, kSmallMark);
  EXPECT_EQ(query.models[0].class_index, 0);
  ASSERT_EQ(query.models[0].classes, 2u);
  EXPECT_NEAR(query.models[0].probabilities[0], 0.9F, 0.02F);
  FlowQuery other;
  other.key = parse_flow("udp 10.0.0.1:1 192.0.2.1:5004");
  EXPECT_TRUE(worker.ask(other, kNever));
  EXPECT_FALSE(other.found);
  worker.stop();
  thread.join();
}

TEST_F(WorkerTest, ModelsChangeUnderTwoRunningWorkers) {
  constexpr size_t kPackets = 20'000;
  ModelPublisher publisher(2, sized(1, 500));
  std::vector<std::unique_ptr<WorkerCounters>> counters;
  std::vector<std::unique_ptr<FakeIo>> ios;
  std::vector<std::unique_ptr<Worker>> workers;
  ClassifierOptions classifier;
  classifier.table.capacity = 256;
  classifier.window_memory_bytes = 8u << 20;
  for (size_t i = 0; i < 2; ++i) {
    counters.push_back(std::make_unique<WorkerCounters>());
    ios.push_back(
        std::make_unique<FakeIo>(conversation(kPackets, static_cast<uint16_t>(1000 + i))));
    WorkerOptions options;
    options.index = i;
    workers.push_back(
        std::make_unique<Worker>(options, classifier, *ios[i], publisher, *counters[i], nullptr));
  }
  std::thread first([&] { workers[0]->run(); }), second([&] { workers[1]->run(); });
  for (uint64_t generation = 2; generation < 40; ++generation) {
    publisher.publish(sized(generation, generation % 2 == 0 ? 100 : 500));
    while (!publisher.settled()) std::this_thread::yield();
  }
  first.join();
  second.join();
  EXPECT_EQ(publisher.reclaim(), 0u);
  for (const auto& io : ios) {
    EXPECT_EQ(io->sent.size(), kPackets);
    EXPECT_TRUE(io->in_order);
  }
}

}  // namespace
}  // namespace flowmark
