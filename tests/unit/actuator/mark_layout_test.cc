#include "actuator/mark_layout.h"

#include <gtest/gtest.h>

#include "actuator/usage_error.h"

namespace flowmark {
namespace {

TEST(MarkLayout, TheDefaultIsWhatTheManualOfCtinfoShows) {
  const MarkLayout layout;
  EXPECT_EQ(layout.dscp_mask(), 0xfc000000U);
  EXPECT_EQ(layout.valid_mask(), 0x01000000U);
  EXPECT_EQ(layout.value(46), 0xb9000000U);
  EXPECT_EQ(layout.value(0), 0x01000000U) << "best effort is a mark, too";
}

TEST(MarkLayout, EveryDscpComesBackAndStaysWithinTheMask) {
  const MarkLayout layout(0xff00, 8, 15);
  for (unsigned dscp = 0; dscp < 64; ++dscp) {
    const uint32_t value = layout.value(static_cast<Dscp>(dscp));
    EXPECT_EQ((value & layout.dscp_mask()) >> 8, dscp);
    EXPECT_EQ(value & ~layout.mask(), 0U);
    EXPECT_NE(value & layout.valid_mask(), 0U);
  }
}

TEST(MarkLayout, RefusesWhatOverlapsOrDoesNotFit) {
  EXPECT_THROW(MarkLayout(0xffffffff, 27, 0), UsageError);
  EXPECT_THROW(MarkLayout(0xffffffff, 0, 32), UsageError);
  EXPECT_THROW(MarkLayout(0xffffffff, 0, 5), UsageError);
  EXPECT_THROW(MarkLayout(0x3f, 0, 7), UsageError);
  EXPECT_NO_THROW(MarkLayout(0xbf, 0, 7));
}

}  // namespace
}  // namespace flowmark
