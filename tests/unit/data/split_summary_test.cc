#include "data/split_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Two flows, one of each class, three windows each; the last window of each is one that repeats.
ExampleSet two_flows() {
  ExampleSet examples;
  examples.classes = {"chat", "voip"};
  examples.feature_count = 1;
  for (uint32_t flow = 0; flow < 2; ++flow) {
    ExampleFlow one;
    one.name = "f";
    one.class_index = flow;
    examples.flows.push_back(one);
    for (int window = 0; window < 3; ++window) {
      ExampleInfo info;
      info.class_index = flow;
      info.flow = flow;
      info.repeat = window == 2;
      examples.add(info, SparseWindow{{0, 1}});
    }
  }
  return examples;
}

std::string described(const std::string& by) {
  SplitOptions options;
  options.by = by;
  Split split;
  split.parts = {Part::train, Part::train, Part::train, Part::test, Part::test, Part::test};
  split.groups[0] = split.groups[2] = 1;
  return describe_split(two_flows(), split, options);
}

TEST(DescribeSplit, CountsFlowsAndWindowsByClassAndPart) {
  const std::string text = described("session");
  EXPECT_THAT(text, HasSubstr("split by session, seed 1: 1 groups to train, 0 to validate, 1 to "
                              "test\n"));
  EXPECT_THAT(text, HasSubstr("chat                          1 /         2          0 /         0  "
                              "        0 /         0\n"));
  EXPECT_THAT(text, HasSubstr("voip                          0 /         0          0 /         0  "
                              "        1 /         2\n"));
}

TEST(DescribeSplit, WarnsOfSplitsThatFlatter) {
  EXPECT_THAT(described("window"), HasSubstr("higher than on new flows"));
  EXPECT_THAT(described("flow"), HasSubstr("session or file is stricter"));
  EXPECT_THAT(described("session"), Not(HasSubstr("stricter")));
}

}  // namespace
}  // namespace flowmark
