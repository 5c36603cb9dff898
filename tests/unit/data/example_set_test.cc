#include "data/example_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// `counts[c]` rows of class c, one flow each with the key "vpn" for every second.
ExampleSet make_set(const std::vector<uint32_t>& counts) {
  ExampleSet set;
  set.feature_count = 10;
  for (uint32_t c = 0; c < counts.size(); ++c) {
    set.classes.push_back("c" + std::to_string(c));
    for (uint32_t i = 0; i < counts[c]; ++i) {
      ExampleFlow flow;
      flow.name = std::to_string(set.flows.size());
      flow.class_index = c;
      flow.attributes["encryption"] = i % 2 == 0 ? "vpn" : "plain";
      ExampleInfo info;
      info.class_index = c;
      info.flow = static_cast<uint32_t>(set.flows.size());
      set.flows.push_back(flow);
      set.add(info, std::vector<SparseValue>{{c, static_cast<float>(i)}});
    }
  }
  return set;
}

std::vector<uint32_t> all_rows(const ExampleSet& set) {
  std::vector<uint32_t> rows(set.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

std::vector<uint32_t> count_classes(const ExampleSet& set, const std::vector<uint32_t>& rows) {
  std::vector<uint32_t> count(set.classes.size(), 0);
  for (const uint32_t row : rows) ++count[set.info(row).class_index];
  return count;
}

TEST(ExampleSet, RefusesValuesThatAreNotFinite) {
  ExampleSet set = make_set({1, 1});
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_THAT(
        [&] {
          set.add({}, std::vector<SparseValue>{{1, bad}});
        },
        ThrowsMessage<Error>(HasSubstr("must be finite and below feature 10")));
  }
  EXPECT_THROW(set.add({}, std::vector<SparseValue>{{10, 1}}), Error);
}

TEST(Undersample, EveryClassHasAsManyAsTheSmallest) {
  const ExampleSet set = make_set({30, 7, 12});
  const auto rows = undersample(set, all_rows(set), 3);
  EXPECT_EQ(count_classes(set, rows), (std::vector<uint32_t>{7, 7, 7}));
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
  EXPECT_EQ(rows, undersample(set, all_rows(set), 3));
  EXPECT_NE(rows, undersample(set, all_rows(set), 4));
}

TEST(Repeated, ListsRowsAsOftenAsTheirFlowsCount) {
  const ExampleSet set = make_set({2, 2});
  const auto times = [](const ExampleFlow& flow) { return flow.class_index == 0 ? 1U : 3U; };
  EXPECT_EQ(repeated(set, all_rows(set), times), (std::vector<uint32_t>{0, 1, 2, 2, 2, 3, 3, 3}));
}

TEST(AgainstOthers, TakesEqualSharesAndFillsUpFromTheLarger) {
  const ExampleSet set = make_set({30, 4, 40, 50});
  EXPECT_EQ(count_classes(set, against_others(set, all_rows(set), 0, 1)),
            (std::vector<uint32_t>{30, 4, 13, 13}));
  const ExampleSet few = make_set({30, 4, 5});
  EXPECT_EQ(count_classes(few, against_others(few, all_rows(few), 0, 1)),
            (std::vector<uint32_t>{30, 4, 5}));
}

TEST(Relabel, GivesRowsTheClassesOfAnotherKey) {
  const ExampleSet set = make_set({4, 3});
  const auto by_key = [](const ExampleFlow& flow) -> std::optional<std::string> {
    if (flow.class_index == 1) return std::nullopt;
    return flow.attribute("encryption");
  };
  const ExampleSet changed = relabel(set, all_rows(set), by_key);
  EXPECT_EQ(changed.classes, (std::vector<std::string>{"plain", "vpn"}));
  ASSERT_EQ(changed.size(), 4U);
  EXPECT_EQ(changed.info(0).class_index, 1U);
  EXPECT_EQ(changed.info(1).class_index, 0U);
  EXPECT_EQ(changed.row(3)[0].value, 3);
  EXPECT_THAT(
      [&] {
        relabel(set, all_rows(set), by_key, {"vpn", "tor"});
      },
      ThrowsMessage<Error>(HasSubstr("of class 'plain', which is none")));
}

}  // namespace
}  // namespace flowmark
