#include "runtime/model_publisher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "runtime/model_store.h"

namespace flowmark {
namespace {

TEST(ModelPublisher, KeepsASetUntilEveryWorkerHasMovedOn) {
  ModelPublisher publisher(2, no_models(1));
  const std::weak_ptr<const ModelSet> first = publisher.current();
  publisher.acknowledge(0, *publisher.read()->set);
  publisher.acknowledge(1, *publisher.read()->set);
  publisher.publish(no_models(2));

  EXPECT_FALSE(publisher.settled());
  publisher.acknowledge(0, *publisher.read()->set);
  EXPECT_EQ(publisher.reclaim(), 1u);
  EXPECT_FALSE(first.expired()) << "worker 1 may still be reading it";

  publisher.acknowledge(1, *publisher.read()->set);
  EXPECT_EQ(publisher.reclaim(), 0u);
  EXPECT_TRUE(first.expired());
  EXPECT_TRUE(publisher.settled());
}

TEST(ModelPublisher, AWorkerThatHasNotStartedHoldsEverything) {
  ModelPublisher publisher(1, no_models(1));
  publisher.publish(no_models(2));
  publisher.publish(no_models(3));
  EXPECT_EQ(publisher.reclaim(), 2u);
  publisher.acknowledge(0, *publisher.read()->set);
  EXPECT_EQ(publisher.reclaim(), 0u);
}

TEST(ModelPublisher, AWorkerThatLeftHoldsNothing) {
  ModelPublisher publisher(1, no_models(1));
  publisher.leave(0);
  publisher.publish(no_models(2));
  EXPECT_EQ(publisher.reclaim(), 0u);
}

TEST(ModelPublisher, FreesAWorkersMemoryOnceTheWorkerHasTakenItsOwn) {
  ModelPublisher publisher(2, no_models(1));
  publisher.publish(no_models(2));
  const Publication* const second = publisher.read();
  publisher.acknowledge(0, *second->set);
  publisher.reclaim();
  EXPECT_EQ(second->prepared[0], nullptr) << "what worker 0 had before";
  EXPECT_NE(second->prepared[1], nullptr) << "worker 1 has not come to take it";
}

TEST(ModelPublisher, GenerationsGrow) {
  ModelPublisher publisher(1, no_models(5));
  EXPECT_THROW(publisher.publish(no_models(5)), Error);
}

// Run under the address and thread sanitizers, this is the proof that no worker ever reads a freed
// set: each reader dereferences what it holds all the time.
TEST(ModelPublisher, WorkersNeverHoldAFreedSet) {
  constexpr size_t kWorkers = 3;
  constexpr uint64_t kSets = 2000;
  ModelPublisher publisher(kWorkers, no_models(1));
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> backward{0};
  std::vector<std::thread> workers;
  for (size_t w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&, w] {
      uint64_t last = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        const ModelSet* const set = publisher.read()->set.get();
        publisher.acknowledge(w, *set);
        for (int i = 0; i < 10; ++i) {
          if (set->generation() < last || !set->models().empty()) ++backward;
          last = set->generation();
        }
      }
      publisher.leave(w);
    });
  }
  for (uint64_t generation = 2; generation <= kSets; ++generation) {
    publisher.publish(no_models(generation));
  }
  while (!publisher.settled()) std::this_thread::yield();
  EXPECT_EQ(publisher.reclaim(), 0u);
  stop = true;
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(backward, 0u);
}

}  // namespace
}  // namespace flowmark
