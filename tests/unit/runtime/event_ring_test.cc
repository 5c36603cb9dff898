#include "runtime/event_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace flowmark {
namespace {

VerdictEvent numbered(uint64_t number) {
  VerdictEvent event;
  event.packets = number;
  return event;
}

TEST(EventRing, GivesEventsInOrderAndCountsWhatDoesNotFit) {
  const auto counters = std::make_unique<WorkerCounters>();
  EventRing ring(4, *counters);
  for (uint64_t i = 0; i < 6; ++i) ring.on_verdict(numbered(i));
  EXPECT_EQ(counters->verdict_events_lost.get(), 2u);
  VerdictEvent event;
  for (uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(ring.pop(event));
    EXPECT_EQ(event.packets, i);
  }
  EXPECT_FALSE(ring.pop(event));
}

TEST(EventRing, BetweenTwoThreadsNothingIsTornOrOutOfOrder) {
  constexpr uint64_t kEvents = 200'000;
  const auto counters = std::make_unique<WorkerCounters>();
  EventRing ring(64, *counters);
  std::thread writer([&ring] {
    for (uint64_t i = 1; i <= kEvents; ++i) {
      VerdictEvent event = numbered(i);
      event.bytes = i * 3;
      ring.on_verdict(event);
    }
  });
  uint64_t last = 0, taken = 0;
  VerdictEvent event;
  while (taken + counters->verdict_events_lost.get() < kEvents) {
    if (!ring.pop(event)) {
      std::this_thread::yield();
      continue;
    }
    ++taken;
    ASSERT_GT(event.packets, last);
    ASSERT_EQ(event.bytes, event.packets * 3);
    last = event.packets;
  }
  writer.join();
  EXPECT_GT(taken, 0u);
}

}  // namespace
}  // namespace flowmark
