#include "data/golden_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark {
namespace {

using testing::ElementsAre;

struct GoldenData {
  void add(uint32_t class_or_set, uint32_t packets, Part part) {
    ExampleInfo info;
    info.class_index = class_or_set;
    info.label_set = class_or_set;
    info.packets = packets;
    info.flow = static_cast<uint32_t>(examples.flows.size());
    examples.flows.emplace_back();
    examples.add(info, SparseWindow{{0, 1}});
    split.parts.push_back(part);
  }

  GoldenData() {
    examples.classes = {"a", "b"};
    examples.feature_count = 1;
  }

  ExampleSet examples;
  Split split;
};

TEST(GoldenRows, FullestAndThinnestOfEachClass) {
  GoldenData data;
  for (const uint32_t packets : {100, 10, 1024, 16}) {
    data.add(0, packets, Part::test);
    data.add(1, packets, Part::test);
  }
  EXPECT_THAT(choose_golden_rows(data.examples, data.split), ElementsAre(2, 3, 4, 5));
}

TEST(GoldenRows, OthersThanTrainedOnWhereThereAreAny) {
  GoldenData data;
  data.add(0, 1024, Part::train);
  data.add(0, 20, Part::validation);
  data.add(0, 30, Part::test);
  data.add(0, 10, Part::train);
  data.add(1, 5, Part::train);
  EXPECT_THAT(choose_golden_rows(data.examples, data.split), ElementsAre(2, 4));
}

TEST(GoldenRows, ChangedCopiesMadeAfterTheSplitAreNone) {
  GoldenData data;
  data.add(0, 20, Part::train);
  data.add(1, 20, Part::train);
  const Split split = data.split;
  for (uint32_t copy = 0; copy < 100; ++copy) data.add(0, 1024, Part::test);
  EXPECT_THAT(choose_golden_rows(data.examples, split), ElementsAre(0, 1));
}

/// As with mixtures: more sets of labels than a file shall hold windows.
TEST(GoldenRows, OfManySetsOfLabelsTheFullestFirst) {
  GoldenData data;
  data.examples.multilabel = true;
  data.examples.classes = {"a", "b", "c"};
  for (uint32_t set = 1; set < 8; ++set) {
    data.add(set, 10, Part::test);
    data.add(set, 1024, Part::test);
  }
  EXPECT_THAT(choose_golden_rows(data.examples, data.split, 9),
              ElementsAre(0, 1, 2, 3, 5, 7, 9, 11, 13));
  EXPECT_EQ(choose_golden_rows(data.examples, data.split).size(), 14U);
}

}  // namespace
}  // namespace flowmark
