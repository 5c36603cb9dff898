#include "mark/live_mark.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

TEST(LiveMark, IsWhatIsServedAheadOfOthers) {
  for (const char* name : {"EF", "VA", "CS5", "CS6", "CS7", "47"}) {
    EXPECT_EQ(live_mark_of(*parse_dscp(name)), LiveMark::expedited) << name;
  }
  for (const char* name : {"AF41", "AF42", "AF43", "CS4"}) {
    EXPECT_EQ(live_mark_of(*parse_dscp(name)), LiveMark::conference) << name;
  }
  for (const char* name : {"DF", "LE", "AF11", "AF21", "AF31", "AF33", "CS3"}) {
    EXPECT_EQ(live_mark_of(*parse_dscp(name)), LiveMark::none) << name;
  }
}

}  // namespace
}  // namespace flowmark
