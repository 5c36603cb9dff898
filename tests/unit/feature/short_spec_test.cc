#include "feature/short_spec.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "feature/feature_spec.h"

namespace flowmark {
namespace {

FeatureSpec spec_of(const std::string& json) {
  return FeatureSpec::from_json(json, "test");
}

TEST(ShortSpec, SaysTheSameAsItsJson) {
  const std::pair<const char*, const char*> cases[] = {
      {"flowpic", R"({"kind":"flowpic"})"},
      {"flowpic-32", R"({"kind":"flowpic","time_bins":32,"size_bins":32})"},
      {"flowpic-64-binary-1.5s",
       R"({"kind":"flowpic","time_bins":64,"size_bins":64,"values":"binary","window_s":1.5})"},
      {"size_iat-log1p-256p", R"({"kind":"size_iat","values":"log1p","window_packets":256})"},
      {"combined-15s-fraction", R"({"kind":"combined","window_s":15,"values":"fraction"})"},
      {"combined-60s-8slices", R"({"kind":"combined","window_s":60,"slices":8})"},
      {"flow_numbers-60s-4first", R"({"kind":"flow_numbers","window_s":60,"first":4})"}};
  for (const auto& [words, json] : cases) {
    ASSERT_TRUE(short_spec_json(words)) << words;
    EXPECT_EQ(spec_of(*short_spec_json(words)), spec_of(json)) << words;
  }
}

TEST(ShortSpec, WordsOfAnotherKindAreNone) {
  for (const char* words :
       {"picture", "flowpic-16p", "size_iat-32", "flowpic-32-wide", "flowpic-1.2.3s"}) {
    EXPECT_FALSE(short_spec_json(words)) << words;
  }
  EXPECT_TRUE(is_short_spec("flowpic-wide"));
  EXPECT_FALSE(is_short_spec("my-spec.json"));
}

TEST(ShortSpec, TheExamplesInMessagesAreRight) {
  ASSERT_FALSE(short_spec_examples().empty());
  for (const std::string& example : short_spec_examples()) {
    ASSERT_TRUE(short_spec_json(example)) << example;
    spec_of(*short_spec_json(example));
  }
}

}  // namespace
}  // namespace flowmark
