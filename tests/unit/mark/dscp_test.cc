#include "mark/dscp.h"

#include <gtest/gtest.h>

namespace flowmark {
namespace {

TEST(Dscp, NamesAreThoseOfTheRfcs) {
  EXPECT_EQ(dscp_name(46), "EF");
  EXPECT_EQ(dscp_name(34), "AF41");
  EXPECT_EQ(dscp_name(26), "AF31");
  EXPECT_EQ(dscp_name(1), "LE");
  EXPECT_EQ(dscp_name(0), "DF");
  EXPECT_EQ(dscp_name(63), "63");
}

TEST(Dscp, ParsesNamesInAnyCaseAndNumbers) {
  EXPECT_EQ(parse_dscp("ef"), Dscp{46});
  EXPECT_EQ(parse_dscp("Af11"), Dscp{10});
  EXPECT_EQ(parse_dscp("be"), Dscp{0});
  EXPECT_EQ(parse_dscp("46"), Dscp{46});
  EXPECT_EQ(parse_dscp("63"), Dscp{63});
}

TEST(Dscp, RefusesWhatIsNone) {
  for (const char* text : {"", "64", "-1", "AF51", "EFF", "4 6", "46x"}) {
    EXPECT_EQ(parse_dscp(text), std::nullopt) << text;
  }
}

TEST(Dscp, LowerEffortComesBehindEverything) {
  EXPECT_TRUE(precedes(dscp::kExpedited, dscp::kAf41));
  EXPECT_TRUE(precedes(dscp::kAf11, dscp::kDefault));
  EXPECT_TRUE(precedes(dscp::kDefault, dscp::kLowerEffort));
  EXPECT_FALSE(precedes(dscp::kLowerEffort, dscp::kDefault));
  EXPECT_FALSE(precedes(dscp::kLowerEffort, dscp::kLowerEffort));
}

TEST(Dscp, EveryValueSurvivesTheRoundTrip) {
  for (int value = 0; value < 64; ++value) {
    const auto dscp = static_cast<Dscp>(value);
    EXPECT_EQ(parse_dscp(dscp_name(dscp)), dscp);
  }
}

}  // namespace
}  // namespace flowmark
