#include "mark/mark_numbers.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace flowmark {
namespace {

TEST(MarkNumbers, OneMarkForBothDirectionsIsItsOwnNumber) {
  MarkNumbers numbers;
  for (Dscp mark = 0; mark < 64; ++mark) {
    EXPECT_EQ(numbers.number_of(mark), mark);
    EXPECT_EQ(numbers[mark].to_wan, mark);
    EXPECT_EQ(numbers[mark].to_lan, mark);
    EXPECT_EQ(numbers[mark].live, live_mark_of(mark));
  }
}

TEST(MarkNumbers, KeepInBothDirectionsIsNotNoVerdict) {
  MarkNumbers numbers;
  EXPECT_EQ(numbers.number_of(MarkPair{}), MarkNumbers::kKeep);
  for (const uint8_t number : {MarkNumbers::kKeep, MarkNumbers::kNone}) {
    EXPECT_EQ(numbers[number].to_wan, MarkNumbers::kAsItCame);
    EXPECT_EQ(numbers[number].to_lan, MarkNumbers::kAsItCame);
  }
}

TEST(MarkNumbers, PairsKeepTheirNumberInTheNextMaps) {
  MarkNumbers first;
  const uint8_t call = first.number_of({Dscp{46}, Dscp{34}});
  const uint8_t half = first.number_of({std::nullopt, Dscp{8}});
  EXPECT_NE(call, half);
  MarkNumbers next = first;
  const uint8_t other = next.number_of({Dscp{34}, Dscp{46}});
  EXPECT_EQ(next.number_of({Dscp{46}, Dscp{34}}), call);
  EXPECT_NE(other, call);
  EXPECT_EQ(next[call].to_wan, 46);
  EXPECT_EQ(next[call].to_lan, 34);
  EXPECT_EQ(next[call].live, LiveMark::expedited);
  EXPECT_EQ(next[half].to_wan, MarkNumbers::kAsItCame);
  EXPECT_EQ(next[half].to_lan, 8);
}

TEST(MarkNumbers, TooManyPairsAreRefusedAndChangeNothing) {
  MarkNumbers numbers;
  int given = 0;
  const auto give_all = [&] {
    for (Dscp wan = 0; wan < 64; ++wan) {
      for (Dscp lan = 0; lan < wan; ++lan) {
        numbers.number_of({wan, lan});
        ++given;
      }
    }
  };
  EXPECT_THROW(give_all(), Error);
  EXPECT_EQ(given, 190);
  EXPECT_EQ(numbers[MarkNumbers::kKeep].to_wan, MarkNumbers::kAsItCame);
  EXPECT_EQ(numbers.number_of({Dscp{1}, Dscp{0}}), 64);
}

TEST(MarkNumbers, TheMostDemandingPairGoesByTheMarkTowardsWanAndThenByTheOther) {
  MarkNumbers numbers;
  const uint8_t call = numbers.number_of({Dscp{46}, Dscp{0}});
  const uint8_t film = numbers.number_of({Dscp{26}, Dscp{46}});
  const uint8_t down = numbers.number_of({std::nullopt, Dscp{8}});
  EXPECT_TRUE(numbers.precedes(call, film));
  EXPECT_FALSE(numbers.precedes(film, call));
  EXPECT_TRUE(numbers.precedes(film, down));
  EXPECT_TRUE(numbers.precedes(down, MarkNumbers::kKeep));
  EXPECT_FALSE(numbers.precedes(down, down));
  EXPECT_TRUE(numbers.precedes(0, dscp::kLowerEffort));
}

}  // namespace
}  // namespace flowmark
