// add() and catch_up() against append(): the same packets give the same windows, however they are
// dealt out, whatever memory does.
#include <gtest/gtest.h>

#include <random>

#include "unit/window/flow_fixture.h"

namespace flowmark {
namespace {

using reference::Packets;
using reference::random_flow;
using reference::Shape;

struct Lazy {
  explicit Lazy(const WindowPlan& window_plan)
      : plan(window_plan), pool(4 << 20), windows(FlowWindows::create(plan, pool, {})) {}
  ~Lazy() { FlowWindows::destroy(windows, plan, pool); }

  const WindowPlan& plan;
  BlockPool pool;
  FlowWindows* windows;
};

void expect_equal(FlowWindows& a, FlowWindows& b, const WindowPlan& plan) {
  SparseWindow x, y;
  for (size_t s = 0; s < plan.specs().size(); ++s) {
    SCOPED_TRACE(plan.specs()[s].to_json());
    for (const Direction direction : {Direction::up, Direction::down}) {
      a.features(s, direction, plan, x);
      b.features(s, direction, plan, y);
      ASSERT_EQ(x, y);
      ASSERT_EQ(a.packets_in_window(s, direction, plan), b.packets_in_window(s, direction, plan));
    }
  }
}

void deal(const Packets& packets, uint64_t seed) {
  const WindowPlan plan(various_specs());
  Lazy lazy(plan), eager(plan);
  std::mt19937_64 random(seed);
  for (size_t at = 0; at < packets.size();) {
    const size_t most = random() % 20 == 0 ? 1500 : 60;  // at times more than the ring holds
    const size_t count = std::min<size_t>(random() % most, packets.size() - at);
    std::vector<PacketRecord> records;
    for (size_t i = at; i < at + count; ++i) {
      records.push_back(record_of(packets[i]));
      ASSERT_EQ(eager.windows->append(records.back(), plan, eager.pool), AppendResult::ok);
    }
    at += count;
    ASSERT_EQ(lazy.windows->add(records, plan, lazy.pool), AppendResult::ok);
    if (random() % 8 != 0) continue;
    while (lazy.windows->behind() > 0) {
      lazy.windows->catch_up(plan, lazy.pool, static_cast<uint32_t>(1 + random() % 300));
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal(*lazy.windows, *eager.windows, plan));
  }
}

TEST(LazyWindows, EqualThoseKeptUpToDate) {
  for (const uint64_t seed : {1, 2, 3, 4}) deal(random_flow(seed, {}), seed);
}

TEST(LazyWindows, EqualThemInDenseAndOddFlows) {
  Shape dense;
  dense.mean_gap_us = 300;
  deal(random_flow(5, dense), 5);
  Shape odd;
  odd.odd_sizes = true;
  odd.back_chance = 0.2;
  deal(random_flow(6, odd), 6);
}

}  // namespace
}  // namespace flowmark
