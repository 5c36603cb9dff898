#include "feature/numbers/flow_numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "feature/numbers/numbers_reader.h"

namespace flowmark {
namespace {

using ::testing::HasSubstr;

constexpr Direction kUp = Direction::up;
constexpr Direction kDown = Direction::down;

FeatureSpec numbers_from(const std::string& json) {
  return FeatureSpec::from_json(json, "here");
}

/// All elements of the only window of a flow, those that are 0 too.
std::vector<float> numbers_of(const std::vector<FlowPacket>& packets, const FlowNumbersSpec& spec,
                              uint32_t* counted = nullptr) {
  const FeatureSpec feature = flow_numbers(spec);
  std::vector<float> all(feature.length());
  TilingOptions options;
  options.prefix_packets = static_cast<uint32_t>(packets.size());
  feature.feature().cut({"", "", packets}, options, [&](const OfflineWindow& window) {
    for (const SparseValue& value : window.features) all[value.index] = value.value;
    if (counted != nullptr) *counted = window.packets;
  });
  return all;
}

float ln1p(double value) {
  return static_cast<float>(std::log1p(value));
}

/// Four packets over a quarter of a second: 100 bytes up, 1500 bytes down, an acknowledgement up,
/// 1500 bytes down.
const std::vector<FlowPacket> kFourPackets = {{5'000'000, 100, kUp, false},
                                              {5'020'000, 1500, kDown, false},
                                              {5'021'000, 52, kUp, true},
                                              {5'250'000, 1500, kDown, false}};

TEST(FlowNumbers, TotalsAreAsDocumented) {
  const std::vector<float> numbers = numbers_of(kFourPackets, {.first = 0});
  ASSERT_EQ(numbers.size(), 41U);
  const float expected[] = {ln1p(250),  // age in ms
                            ln1p(2),
                            ln1p(2),  // packets up, down
                            ln1p(152),
                            ln1p(3000),  // bytes
                            ln1p(2 / 0.25),
                            ln1p(2 / 0.25),  // packets a second
                            ln1p(152 / 0.25),
                            ln1p(3000 / 0.25),  // bytes a second
                            0.5F,
                            float(152.0 / 3152),  // shares of up
                            0.5F,
                            0};  // shares of acknowledgements
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_FLOAT_EQ(numbers[i], expected[i]) << i;
}

// Sizes: 100 bytes lie in bin 4 (99 to 123), 52 bytes in bin 1 (51 to 62), 1500 in the last, 15.
// Gaps: up 21 ms lies in bin 8 (10 to 23.7 ms), down 230 ms in bin 11 (133.4 to 316.2 ms).
TEST(FlowNumbers, QuantilesArePlacesOnShortAxes) {
  const std::vector<float> numbers = numbers_of(kFourPackets, {.first = 0});
  const float sizes[] = {1.2F, 1.5F, 2.0F, 4.5F, 4.8F, 15.1F, 15.25F, 15.5F, 15.75F, 15.9F};
  const float gaps[] = {8.1F, 8.25F, 8.5F, 8.75F, 8.9F, 11.1F, 11.25F, 11.5F, 11.75F, 11.9F};
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_FLOAT_EQ(numbers[13 + i], sizes[i]) << i;
    EXPECT_FLOAT_EQ(numbers[23 + i], gaps[i]) << i;
  }
}

// Of 26 bins of 10 ms (0 to 250 ms) three have packets, of 3 of 100 ms two, of the longer ones the
// only one. The busiest of 10 ms has 2 packets, where the mean is 4 / 26; that of 100 ms has 3.
TEST(FlowNumbers, SilenceAndPeaksAreCountedInBinsOfTime) {
  const std::vector<float> numbers = numbers_of(kFourPackets, {.first = 0});
  const float expected[] = {float(1 - 3.0 / 26),  float(1 - 2.0 / 3),  0,       0,
                            ln1p(2 / (4.0 / 26)), ln1p(3 / (4.0 / 3)), ln1p(1), ln1p(1)};
  for (size_t i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(numbers[33 + i], expected[i]) << i;
}

TEST(FlowNumbers, FirstSizesAreSignedAndGapsFollow) {
  const std::vector<float> numbers = numbers_of(kFourPackets, {.first = 3});
  ASSERT_EQ(numbers.size(), 47U);
  const float expected[] = {ln1p(100), -ln1p(1500), ln1p(52), 0, ln1p(20'000), ln1p(1000)};
  for (size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(numbers[41 + i], expected[i]) << i;
}

TEST(FlowNumbers, AShortFlowLeavesTheOtherFirstPacketsZero) {
  const std::vector<float> numbers = numbers_of(kFourPackets, {.first = 16});
  ASSERT_EQ(numbers.size(), 73U);
  for (size_t i = 4; i < 16; ++i) {
    EXPECT_EQ(numbers[41 + i], 0) << i;
    EXPECT_EQ(numbers[57 + i], 0) << i;
  }
  EXPECT_FLOAT_EQ(numbers[41 + 3], -ln1p(1500));
  EXPECT_FLOAT_EQ(numbers[57 + 3], ln1p(229'000));
}

TEST(FlowNumbers, ASinglePacketIsFinite) {
  const std::vector<float> numbers = numbers_of({{7, 0, kDown, false}}, {});
  for (const float number : numbers) EXPECT_TRUE(std::isfinite(number));
  EXPECT_EQ(numbers[0], 0) << "age";
  EXPECT_FLOAT_EQ(numbers[2], ln1p(1));
  EXPECT_FLOAT_EQ(numbers[6], ln1p(100)) << "rates are those over 10 ms at least";
}

// Halves of a second from the flow's first packet on. When the packet at 2.3 s has come, the newest
// half is [2, 3) and the one before [1, 2): the packet at 0.2 s is forgotten.
TEST(FlowNumbers, AWindowCoversTheNewestHalfAndTheOneBefore) {
  uint32_t counted = 0;
  const std::vector<FlowPacket> packets = {{0, 100, kUp, false},
                                           {200'000, 1000, kUp, false},
                                           {1'100'000, 200, kUp, false},
                                           {2'300'000, 300, kDown, false}};
  const std::vector<float> numbers =
      numbers_of(packets, {.window_us = 2 * kUsPerSecond, .first = 1}, &counted);
  EXPECT_EQ(counted, 2U);
  EXPECT_FLOAT_EQ(numbers[0], ln1p(2300)) << "the age is the flow's";
  EXPECT_FLOAT_EQ(numbers[1], ln1p(1));
  EXPECT_FLOAT_EQ(numbers[3], ln1p(200));
  EXPECT_FLOAT_EQ(numbers[4], ln1p(300));
  EXPECT_FLOAT_EQ(numbers[5], ln1p(1 / 1.3)) << "1.3 s are covered";
  EXPECT_FLOAT_EQ(numbers[33], float(1 - 2.0 / 131)) << "100 bins of 10 ms, then 31";
  EXPECT_FLOAT_EQ(numbers[35], 0) << "a bin of a second in each half";
  EXPECT_FLOAT_EQ(numbers[41], ln1p(100)) << "the flow's first packet";
}

TEST(FlowNumbers, AfterAPauseTheHalfBeforeIsSilent) {
  uint32_t counted = 0;
  const std::vector<float> numbers =
      numbers_of({{0, 100, kUp, false}, {100'000, 100, kUp, false}, {9'500'000, 300, kUp, false}},
                 {.window_us = 2 * kUsPerSecond, .first = 0}, &counted);
  EXPECT_EQ(counted, 1U);
  EXPECT_FLOAT_EQ(numbers[3], ln1p(300));
  EXPECT_FLOAT_EQ(numbers[35], 0.5F) << "one of two bins of a second";
  EXPECT_FLOAT_EQ(numbers[23], static_cast<float>(15.1)) << "the gap of 9.4 s came in this window";
}

TEST(FlowNumbers, ManyPacketsOfOneSizeLeaveQuantilesAsTheyWere) {
  std::vector<FlowPacket> packets;
  for (int i = 0; i < 200'000; ++i) {
    packets.push_back({i * 10, static_cast<uint16_t>(i % 4 == 0 ? 100 : 1500), kUp, false});
  }
  const std::vector<float> numbers = numbers_of(packets, {.first = 0});
  EXPECT_FLOAT_EQ(numbers[1], ln1p(200'000));
  EXPECT_NEAR(numbers[13], 4.4F, 0.01F);
  EXPECT_NEAR(numbers[15], 15 + 1.0F / 3, 0.01F);
}

TEST(FlowNumbers, NumbersOfALongFlowStayModerate) {
  std::vector<FlowPacket> packets;
  for (int i = 0; i < 3000; ++i) {
    packets.push_back({i * 1'000'000'000LL, 65535, i % 2 == 0 ? kUp : kDown, false});
  }
  for (const FlowNumbersSpec& spec : {FlowNumbersSpec{}, FlowNumbersSpec{60 * kUsPerSecond, 16}}) {
    for (const float number : numbers_of(packets, spec)) {
      ASSERT_TRUE(std::isfinite(number));
      ASSERT_LE(std::abs(number), 25);
    }
  }
}

TEST(FlowNumbers, QuantilesOfNothingAndOfEvenCounts) {
  const uint32_t none[4] = {};
  EXPECT_EQ(quantile_place(none, 0.5), 0);
  const uint32_t even[4] = {5, 5, 5, 5};
  EXPECT_DOUBLE_EQ(quantile_place(even, 0.25), 1);
  EXPECT_DOUBLE_EQ(quantile_place(even, 0.9), 3.6);
  const uint32_t gap[4] = {0, 2, 0, 2};
  EXPECT_DOUBLE_EQ(quantile_place(gap, 0.5), 2);
  EXPECT_DOUBLE_EQ(quantile_place(gap, 0.75), 3.5);
}

TEST(FlowNumbers, ItsJsonFormComesBack) {
  EXPECT_EQ(numbers_from(R"({"kind":"flow_numbers"})").to_json(),
            R"({"kind":"flow_numbers","window_s":0,"first":12})");
  const FeatureSpec spec = numbers_from(R"({"kind":"flow_numbers","window_s":2.5,"first":0})");
  EXPECT_EQ(spec, flow_numbers({2'500'000, 0}));
  EXPECT_EQ(numbers_from(spec.to_json()), spec);
  EXPECT_EQ(spec.length(), 41U);
  EXPECT_EQ(flow_numbers({}).length(), 65U);
}

TEST(FlowNumbers, WrongKeysAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"kind":"flow_numbers","first":17})",
       "here: first: 17 is out of range, allowed is 0 to 16"},
      {R"({"kind":"flow_numbers","window_s":0.001})", "here: window_s: 0.001 is out of range"},
      {R"({"kind":"flow_numbers","values":"count"})", "here: unknown key \"values\""},
      {R"({"kind":"flow_numbers","first":-1})", "here: first: -1 is not a whole number"}};
  for (const auto& [json, message] : cases) {
    try {
      numbers_from(json);
      ADD_FAILURE() << json;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  }
}

TEST(FlowNumbers, WithoutAWindowItNeverFills) {
  EXPECT_FALSE(flow_numbers({}).is_full(86'400 * kUsPerSecond, 1'000'000));
  EXPECT_TRUE(flow_numbers({.window_us = kUsPerSecond}).is_full(kUsPerSecond, 2));
}

}  // namespace
}  // namespace flowmark
