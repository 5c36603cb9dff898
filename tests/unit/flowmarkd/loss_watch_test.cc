#include "daemon/flowmarkd/loss_watch.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

using Turn = LossWatch::Turn;

TEST(LossWatch, TellsOfHeavyLossOnceAndOfItsEnd) {
  LossWatch watch;
  EXPECT_EQ(watch.look({10'000, 0}), Turn::none);
  EXPECT_EQ(watch.look({19'000, 1'000}), Turn::began);
  EXPECT_TRUE(watch.heavy());
  EXPECT_DOUBLE_EQ(watch.share(), 0.1);
  EXPECT_EQ(watch.look({28'000, 2'000}), Turn::none);
  EXPECT_EQ(watch.look({37'930, 2'070}), Turn::none) << "0.7%: not yet over";
  EXPECT_TRUE(watch.heavy());
  EXPECT_EQ(watch.look({47'930, 2'070}), Turn::ended);
  EXPECT_FALSE(watch.heavy());
  EXPECT_EQ(watch.share(), 0);
}

TEST(LossWatch, ALittleLossIsNone) {
  LossWatch watch;
  EXPECT_EQ(watch.look({9'920, 80}), Turn::none);
  EXPECT_FALSE(watch.heavy());
}

TEST(LossWatch, WaitsForEnoughPackets) {
  LossWatch watch;
  EXPECT_EQ(watch.look({500, 400}), Turn::none);
  EXPECT_EQ(watch.look({600, 450}), Turn::began) << "both stretches together";
  EXPECT_DOUBLE_EQ(watch.share(), 450.0 / 1050.0);
}

TEST(LossWatch, EverythingLostIsTold) {
  LossWatch watch;
  EXPECT_EQ(watch.look({0, 5'000}), Turn::began);
  EXPECT_DOUBLE_EQ(watch.share(), 1);
}

}  // namespace
}  // namespace flowmark
