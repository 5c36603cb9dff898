#include "data/balance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/error.h"

namespace flowmark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Flows of one window each.
class BalanceTest : public testing::Test {
 protected:
  BalanceTest() {
    examples_.feature_count = 1;
    examples_.classes = {"calls", "films"};
  }

  void add(uint32_t class_index, const std::string& source, uint32_t flows) {
    for (uint32_t i = 0; i < flows; ++i) {
      ExampleFlow flow;
      flow.name = "flow " + std::to_string(examples_.flows.size());
      flow.class_index = class_index;
      flow.attributes["source"] = source;
      ExampleInfo info;
      info.class_index = class_index;
      info.flow = static_cast<uint32_t>(examples_.flows.size());
      examples_.flows.push_back(flow);
      examples_.add(info, {});
    }
  }

  std::vector<uint32_t> balanced(const BalanceOptions& options = {}) const {
    std::vector<uint32_t> rows(examples_.size());
    std::iota(rows.begin(), rows.end(), 0U);
    return balance_rows(examples_, rows, options);
  }

  /// How many of the rows each class and source has.
  std::map<std::string, size_t> counted(const std::vector<uint32_t>& rows) const {
    std::map<std::string, size_t> counts;
    for (const uint32_t row : rows) {
      const ExampleFlow& flow = examples_.flows[row];
      ++counts[examples_.classes[flow.class_index] + " " + flow.attribute("source")];
    }
    return counts;
  }

  ExampleSet examples_;
};

TEST_F(BalanceTest, SourcesOfAClassCountTheSameAndTheClassKeepsItsSize) {
  add(0, "home", 90);
  add(0, "office", 30);
  add(1, "home", 20);
  add(1, "office", 180);
  const auto counts = counted(balanced());
  EXPECT_EQ(counts.at("calls home"), 60U);
  EXPECT_EQ(counts.at("calls office"), 60U);
  EXPECT_EQ(counts.at("films home"), 100U);
  EXPECT_EQ(counts.at("films office"), 100U);
}

TEST_F(BalanceTest, ATinySourceIsRepeatedTenTimesAtMost) {
  add(0, "home", 300);
  add(0, "tiny", 2);
  add(1, "home", 10);
  const std::vector<uint32_t> rows = balanced();
  EXPECT_EQ(counted(rows).at("calls tiny"), 20U);
  EXPECT_EQ(counted(rows).at("calls home"), 282U);
  EXPECT_EQ(std::count(rows.begin(), rows.end(), 300U), 10);
}

TEST_F(BalanceTest, EveryRowOfASmallSourceIsRepeatedAlike) {
  add(0, "home", 100);
  add(0, "office", 20);
  add(1, "home", 1);
  const std::vector<uint32_t> rows = balanced();
  for (uint32_t row = 100; row < 120; ++row) {
    EXPECT_EQ(std::count(rows.begin(), rows.end(), row), 3) << row;
  }
  for (uint32_t row = 0; row < 100; ++row) {
    EXPECT_LE(std::count(rows.begin(), rows.end(), row), 1) << row;
  }
}

TEST_F(BalanceTest, LevelsShareOneAfterTheOther) {
  add(0, "lab/plain/a", 40);
  add(0, "lab/plain/b", 40);
  add(0, "lab/tor/a", 40);
  add(0, "office", 40);
  add(1, "office", 1);
  const auto counts = counted(balanced());
  EXPECT_EQ(counts.at("calls office"), 80U);
  EXPECT_EQ(counts.at("calls lab/tor/a"), 40U);
  EXPECT_EQ(counts.at("calls lab/plain/a"), 20U);
  EXPECT_EQ(counts.at("calls lab/plain/b"), 20U);
}

TEST_F(BalanceTest, ASourceBesideItsOwnLevelsIsOneOfThem) {
  add(0, "lab", 50);
  add(0, "lab/tor", 50);
  add(0, "office", 100);
  add(1, "office", 1);
  const auto counts = counted(balanced());
  EXPECT_EQ(counts.at("calls lab"), 50U);
  EXPECT_EQ(counts.at("calls lab/tor"), 50U);
  EXPECT_EQ(counts.at("calls office"), 100U);
}

TEST_F(BalanceTest, DrawsNoMoreOfAClassThanAsked) {
  add(0, "home", 500);
  add(0, "office", 500);
  add(1, "home", 30);
  BalanceOptions options;
  options.most_rows = 100;
  const auto counts = counted(balanced(options));
  EXPECT_EQ(counts.at("calls home"), 50U);
  EXPECT_EQ(counts.at("calls office"), 50U);
  EXPECT_EQ(counts.at("films home"), 30U);
}

TEST_F(BalanceTest, WithoutAKeyAllRowsAreOfOneSource) {
  add(0, "home", 300);
  add(0, "", 100);
  add(1, "home", 30);
  BalanceOptions options;
  options.key.clear();
  EXPECT_EQ(balanced(options).size(), examples_.size());
  options.most_rows = 100;
  const std::vector<uint32_t> rows = balanced(options);
  EXPECT_EQ(rows.size(), 130U);
  EXPECT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end());
}

TEST_F(BalanceTest, IsTheSameForTheSameSeedOnly) {
  add(0, "home", 300);
  add(0, "office", 100);
  add(1, "home", 5);
  BalanceOptions other;
  other.seed = 2;
  EXPECT_EQ(balanced(), balanced());
  EXPECT_NE(balanced(), balanced(other));
}

TEST_F(BalanceTest, SaysWhichFlowHasNoSource) {
  add(0, "home", 1);
  add(1, "", 1);
  EXPECT_THAT([&] { balanced(); }, ThrowsMessage<Error>(HasSubstr("flow 1 has no key 'source'")));
  BalanceOptions none;
  none.most_times = 0;
  EXPECT_THROW(balanced(none), Error);
}

TEST_F(BalanceTest, NamesTheSourcesByTheirFirstLevel) {
  add(0, "lab/tor", 2);
  add(0, "lab/plain", 1);
  add(1, "home", 1);
  EXPECT_THAT(source_names(examples_, std::vector<uint32_t>{0, 2, 3}, "source"),
              ElementsAre("home", "lab"));
  EXPECT_THAT(source_names(examples_, std::vector<uint32_t>{3}, "other"), ElementsAre());
}

}  // namespace
}  // namespace flowmark
