#include "base/on_exit.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace flowmark {
namespace {

TEST(OnExit, ActsOnceHoweverTheScopeEnds) {
  int ends = 0;
  {
    const OnExit counts([&ends] { ++ends; });
  }
  EXPECT_EQ(ends, 1);
  try {
    const OnExit counts([&ends] { ++ends; });
    throw std::runtime_error("in between");
  } catch (const std::runtime_error&) {
    EXPECT_EQ(ends, 2);
  }
}

}  // namespace
}  // namespace flowmark
