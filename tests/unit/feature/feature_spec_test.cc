#include "feature/feature_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "feature/histogram/histogram.h"

namespace flowmark {
namespace {

using testing::HasSubstr;

FeatureSpec read(const std::string& text) {
  return FeatureSpec::from_json(text, "here");
}

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(FeatureSpec, PictureOfTheDesign) {
  const FeatureSpec spec =
      read(R"({"kind":"flowpic","window_s":60,"time_bins":1500,"size_bins":1500,"max_size":1500,)"
           R"("values":"count"})");
  EXPECT_EQ(spec, FeatureSpec());
  EXPECT_EQ(spec.length(), 2'250'000U);
  EXPECT_EQ(spec.to_json(), R"({"kind":"flowpic","window_s":60,"time_bins":1500,"size_bins":1500,)"
                            R"("max_size":1500,"values":"count"})");
}

TEST(FeatureSpec, AllButTheKindHasDefaults) {
  EXPECT_EQ(read(R"({"kind":"flowpic"})"), FeatureSpec());
  const FeatureSpec expected = histogram({});
  EXPECT_EQ(read(R"({"kind":"combined"})"), expected);
  EXPECT_EQ(expected.length(), 2U * 16 * 30 + 2U * 16 * 30);
}

TEST(FeatureSpec, ReadsAllKeysOfHistograms) {
  const FeatureSpec spec =
      read(R"({"kind":"combined","window_packets":512,"window_s":2.5,"values":"log1p",)"
           R"("size":{"bins":8,"min":50,"max":1400},"iat_us":{"bins":9,"min":2,"max":5e6},)"
           R"("burst_bytes":{"bins":10,"min":60,"max":2e6},)"
           R"("surge_us":{"bins":11,"min":200.5,"max":3e7},"surge_gap_us":500000})");
  EXPECT_EQ(spec.kind(), "combined");
  EXPECT_EQ(spec.values(), ValueKind::log1p);
  const HistogramSpec expected{HistogramKind::combined, 512,         2'500'000,
                               {8, 50, 1400},           {9, 2, 5e6}, {10, 60, 2e6},
                               {11, 200.5, 3e7},        500'000};
  EXPECT_EQ(histogram_of(spec), expected);
  EXPECT_EQ(spec.length(), 2U * 8 * 9 + 2U * 10 * 11);
}

TEST(FeatureSpec, TextComesBackEqual) {
  for (const char* text : {
           R"({"kind":"flowpic","window_s":0.01,"time_bins":1,"size_bins":4096,"max_size":65535})",
           R"({"kind":"flowpic","window_s":3600,"values":"binary"})",
           R"({"kind":"flowpic","window_s":12.345678,"values":"log1p"})",
           R"({"kind":"size_iat","size":{"min":0.1},"values":"fraction"})",
           R"({"kind":"burst_surge","surge_us":{"min":0.3333333333333333,"max":4294967295}})",
           R"({"kind":"combined","window_s":0.25,"window_packets":1})",
       }) {
    const FeatureSpec spec = read(text);
    EXPECT_EQ(read(spec.to_json()), spec) << text;
  }
}

TEST(FeatureSpec, FractionsOfSecondsAreExactMicroseconds) {
  EXPECT_EQ(read(R"({"kind":"flowpic","window_s":12.345678})").window_us(), 12'345'678);
  EXPECT_EQ(read(R"({"kind":"size_iat","window_s":0.3})").window_us(), 300'000);
}

TEST(FeatureSpec, ErrorsNameKeyValueAndRange) {
  EXPECT_EQ(error_of(R"({"kind":"flowpic","time_bins":5000})"),
            "here: time_bins: 5000 is out of range, allowed is 1 to 4096");
  EXPECT_EQ(error_of(R"({"kind":"flowpic","window_s":0.001})"),
            "here: window_s: 0.001 is out of range, allowed is 0.01 to 3600");
  EXPECT_EQ(error_of(R"({"kind":"flowpic","max_size":"big"})"),
            "here: max_size: \"big\" is not a whole number of 0 to 4294967295");
  EXPECT_EQ(error_of(R"({"kind":"flowpic","values":"sum"})"),
            "here: values: \"sum\" is not one of count, binary, fraction, log1p");
  EXPECT_EQ(error_of(R"({"kind":"size_iat","size":{"bins":0}})"),
            "here: size.bins: 0 is out of range, allowed is 1 to 256");
  EXPECT_EQ(error_of(R"({"kind":"size_iat","size":{"min":1500}})"),
            "here: size: min 1500 is not below max 1500");
}

TEST(FeatureSpec, UnknownKeysListTheKnownOnes) {
  EXPECT_EQ(error_of(R"({"kind":"flowpic","colour":1})"),
            "here: unknown key \"colour\"; known are kind, window_s, time_bins, size_bins, "
            "max_size, values");
  EXPECT_EQ(error_of(R"({"kind":"size_iat","size":{"bin":3}})"),
            "here: unknown key \"size.bin\"; known are bins, min, max");
  EXPECT_THAT(error_of(R"({"kind":"size_iat","surge_us":{}})"), HasSubstr("unknown key"));
  EXPECT_THAT(error_of(R"({"kind":"flowpic","window_packets":3})"), HasSubstr("unknown key"));
}

TEST(FeatureSpec, RefusesWhatIsNotInRange) {
  for (const char* text : {
           R"({"kind":"flowpic","window_s":-1})",
           R"({"kind":"flowpic","window_s":0})",
           R"({"kind":"flowpic","window_s":1e300})",
           R"({"kind":"flowpic","window_s":3600.1})",
           R"({"kind":"flowpic","window_s":null})",
           R"({"kind":"flowpic","time_bins":0})",
           R"({"kind":"flowpic","time_bins":-5})",
           R"({"kind":"flowpic","time_bins":1.5})",
           R"({"kind":"flowpic","size_bins":4097})",
           R"({"kind":"flowpic","size_bins":4294967297})",
           R"({"kind":"flowpic","size_bins":1e100})",
           R"({"kind":"flowpic","max_size":0})",
           R"({"kind":"flowpic","max_size":65536})",
           R"({"kind":"flowpic","max_size":true})",
           R"({"kind":"flowpic","values":"fraction"})",
           R"({"kind":"flowpic","values":7})",
           R"({"kind":"size_iat","values":"binary"})",
           R"({"kind":"size_iat","window_packets":0})",
           R"({"kind":"size_iat","window_packets":1025})",
           R"({"kind":"size_iat","window_s":1e-9})",
           R"({"kind":"size_iat","size":{"bins":257}})",
           R"({"kind":"size_iat","size":{"bins":256},"iat_us":{"bins":128}})",
           R"({"kind":"size_iat","size":{"min":0}})",
           R"({"kind":"size_iat","size":{"min":-3}})",
           R"({"kind":"size_iat","size":{"max":1e10}})",
           R"({"kind":"size_iat","size":7})",
           R"({"kind":"burst_surge","surge_gap_us":0})",
           R"({"kind":"burst_surge","surge_gap_us":3600000001})",
           R"({"kind":"combined","size":{"bins":1},"burst_bytes":{"bins":256},)"
           R"("surge_us":{"bins":128}})",
       }) {
    EXPECT_THAT(error_of(text), HasSubstr("here: ")) << text;
  }
  HistogramSpec spec{.kind = HistogramKind::size_iat};
  spec.size.max = std::nan("");
  EXPECT_THROW(histogram(spec).check("here"), Error);
}

TEST(FeatureSpec, RefusesWhatIsNotAnObjectOfKeys) {
  for (const char* text :
       {"", "{", "[]", "7", "null", "{}", "\"flowpic\"", R"({"kind":"flowpic")", R"({"kind":7})",
        R"({"kind":"flowpics"})", R"({"kind":"flowpic","window_s":NaN})",
        R"({"kind":"flowpic","window_s":1e999})", R"({"kind":"flowpic"} x)",
        R"({"kind":"flowpic","kind":"flowpic"})", "{\"kind\":\"\xff\"}",
        R"({"kind":"size_iat","size":{"bins":3,"bins":4}})"}) {
    EXPECT_THAT(error_of(text), HasSubstr("here: ")) << text;
  }
  EXPECT_THAT(error_of("{}"), HasSubstr("kind is missing"));
}

TEST(FeatureSpec, DeepNestingIsOnlyAnError) {
  EXPECT_THAT(error_of(std::string(1'000'000, '[')), HasSubstr("here: "));
  EXPECT_THAT(error_of(R"({"kind":)" + std::string(500'000, '[') + std::string(500'000, ']') + "}"),
              HasSubstr("here: "));
}

TEST(FeatureSpec, PicturesHaveOneADirectionAndAreFullByTime) {
  const FeatureSpec spec = read(R"({"kind":"flowpic","window_s":10})");
  EXPECT_TRUE(spec.has_directions());
  EXPECT_TRUE(spec.is_by_time());
  EXPECT_FALSE(spec.is_full(10 * kUsPerSecond - 1, 1'000'000));
  EXPECT_TRUE(spec.is_full(10 * kUsPerSecond, 2));
  EXPECT_FALSE(spec.is_full(-kUsPerSecond, 2)) << "a clock set back";
}

TEST(FeatureSpec, HistogramsHaveOneAndAreFullByPackets) {
  const FeatureSpec spec = read(R"({"kind":"size_iat","window_packets":64})");
  EXPECT_FALSE(spec.has_directions());
  EXPECT_FALSE(spec.is_by_time());
  EXPECT_FALSE(spec.is_full(3600 * kUsPerSecond, 63));
  EXPECT_TRUE(spec.is_full(0, 64));
}

TEST(FeatureSpec, HistogramsAreFullByTimeWhereTheyHaveALimit) {
  const FeatureSpec spec = read(R"({"kind":"size_iat","window_packets":64,"window_s":5})");
  EXPECT_FALSE(spec.is_full(5 * kUsPerSecond - 1, 63));
  EXPECT_TRUE(spec.is_full(5 * kUsPerSecond, 63));
  EXPECT_TRUE(spec.is_full(0, 64));
}

}  // namespace
}  // namespace flowmark
