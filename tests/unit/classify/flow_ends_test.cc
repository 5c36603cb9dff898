// How flows give their memory back: when they end, and when it runs short.
#include <algorithm>

#include "unit/classify/classifier_fixture.h"

namespace flowmark {
namespace {

using testing::active;
using testing::histogram_spec;
using testing::size_model;

class FlowEndsTest : public ClassifierFixture {};

TEST_F(FlowEndsTest, ExhaustedMemoryIsCountedAndNothingBreaks) {
  options_.window_memory_bytes = 64 * 1024;
  use({active(size_model(histogram_spec(1024)))});
  for (int round = 0; round < 40; ++round) {
    for (uint16_t port = 1; port < 200; ++port) send({.source_port = port}, 10);
  }
  EXPECT_GT(counters_->bypassed[static_cast<size_t>(Bypass::out_of_memory)].get(), 0U);
  classifier().finish();
  EXPECT_EQ(counters_->pool_used_bytes.get(), 0U);
}

// A hundred flows fill the memory and fall silent; a second later others need it.
TEST_F(FlowEndsTest, IdleFlowsGiveUpTheirWindowsWhenMemoryRunsShort) {
  options_.window_memory_bytes = 64 * 1024;
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 8; ++i) {
    for (uint16_t port = 1; port <= 100; ++port) send({.source_port = port}, 10);
  }
  const size_t given_before = events_.all.size();
  EXPECT_GT(counters_->bypassed[static_cast<size_t>(Bypass::out_of_memory)].get(), 0U);
  EXPECT_EQ(counters_->windows_given_up.get(), 0U) << "busy flows keep theirs";
  now_us_ += 2 * kUsPerSecond;
  for (int i = 0; i < 16; ++i) {
    for (uint16_t port = 1001; port <= 1020; ++port) send({.source_port = port}, 10);
  }
  EXPECT_GT(counters_->windows_given_up.get(), 20U);
  size_t new_verdicts = 0;
  for (size_t i = given_before; i < events_.all.size(); ++i) {
    new_verdicts += events_.all[i].final ? 0 : 1;
  }
  EXPECT_EQ(new_verdicts, 20U) << "each of the new flows has a verdict";
  EXPECT_EQ(classifier().flows().size(), 120U) << "flows stay, only windows go";
}

TEST_F(FlowEndsTest, EveryFlowThatWasReadEndsWithAFinalEvent) {
  use({active(size_model(histogram_spec()))});
  for (uint16_t port = 1; port <= 20; ++port) {
    for (int i = 0; i < 8; ++i) send({.source_port = port});
  }
  const size_t before = events_.all.size();
  classifier().finish();
  EXPECT_EQ(events_.all.size() - before, 20U);
  EXPECT_TRUE(std::all_of(events_.all.begin() + static_cast<std::ptrdiff_t>(before),
                          events_.all.end(), [](const VerdictEvent& e) { return e.final; }));
  EXPECT_EQ(counters_->models[0].flows_now[0].get(), 0U);
  EXPECT_EQ(counters_->pool_used_bytes.get(), 0U);
}

TEST_F(FlowEndsTest, IdleFlowsExpireAndGiveTheirMemoryBack) {
  options_.table.timeouts.idle_ms = 1000;
  use({active(size_model(histogram_spec()))});
  for (int i = 0; i < 8; ++i) send({});
  EXPECT_EQ(classifier().flows().size(), 1U);
  classifier().expire(now_us_ + 2 * kUsPerSecond, 1024);
  EXPECT_EQ(classifier().flows().size(), 0U);
  EXPECT_EQ(counters_->pool_used_bytes.get(), 0U);
}

}  // namespace
}  // namespace flowmark
