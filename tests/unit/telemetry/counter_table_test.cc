#include "telemetry/counter_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace flowmark {
namespace {

/// Every counter of a worker as one row: the structs hold nothing else. Behind `models` the struct
/// is filled up to a cache line.
std::span<Counter> all_cells(WorkerCounters& worker) {
  auto* first = reinterpret_cast<Counter*>(&worker);
  return {first, reinterpret_cast<Counter*>(worker.models.data() + worker.models.size())};
}

/// Counter i at `factor` * (i + 1).
std::unique_ptr<WorkerCounters> filled(uint64_t factor) {
  auto worker = std::make_unique<WorkerCounters>();
  const auto cells = all_cells(*worker);
  for (size_t i = 0; i < cells.size(); ++i) cells[i].set(factor * (i + 1));
  return worker;
}

TEST(CounterTable, AddsEveryMemberOnce) {
  const auto sum = filled(3);
  sum->add(*filled(7));
  const auto cells = all_cells(*sum);
  for (size_t i = 0; i < cells.size(); ++i) {
    const uint64_t times = cells[i].get() / (i + 1);  // 3 + 7 for each row that has the cell
    ASSERT_NE(times, 3U) << "the member at byte " << i * sizeof(Counter) << " has no row";
    ASSERT_EQ(times, 10U) << "the member at byte " << i * sizeof(Counter) << " has several rows";
  }
}

TEST(CounterTable, LeavesWhatIsAddedAsItWas) {
  const auto other = filled(7);
  WorkerCounters().add(*other);
  const auto cells = all_cells(*other);
  for (size_t i = 0; i < cells.size(); ++i) ASSERT_EQ(cells[i].get(), 7 * (i + 1)) << "cell " << i;
}

TEST(CounterTable, ResetClearsOneModelAndNothingElse) {
  const auto worker = filled(1);
  worker->models[2].reset();
  const auto* first = reinterpret_cast<const Counter*>(&worker->models[2]);
  const auto* end = reinterpret_cast<const Counter*>(&worker->models[3]);
  const auto cells = all_cells(*worker);
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool cleared = &cells[i] >= first && &cells[i] < end;
    ASSERT_EQ(cells[i].get(), cleared ? 0 : i + 1) << "cell " << i;
  }
}

/// What the summary tells stands there once, in a section if it is a line of all workers.
template <typename Owner>
void check_summary(bool sections) {
  std::set<std::string> pointers;
  for_each_member<Owner>([&](const auto&, const CounterMember<Owner>& member) {
    const SummaryEntry& entry = member.summary;
    for (const char* pointer : {entry.sum, entry.cells}) {
      if (pointer == nullptr) continue;
      EXPECT_EQ(*pointer, '/') << pointer;
      EXPECT_TRUE(pointers.insert(pointer).second) << pointer << " twice";
    }
    EXPECT_EQ(entry.section != nullptr, sections && entry.line != nullptr);
  });
  EXPECT_FALSE(pointers.empty());
}

TEST(CounterTable, EntriesOfTheSummaryAreWhole) {
  check_summary<PortCounters>(false);
  check_summary<WorkerCounters>(true);
  check_summary<ModelCounters>(false);
}

template <typename Owner>
void check_rows(std::set<std::string>& names) {
  const auto owner = std::make_unique<Owner>();
  for (const CounterRow<Owner>& row : counter_table<Owner>()) {
    ASSERT_NE(row.members[0].read, nullptr) << "a row without a member";
    if (row.name == nullptr) continue;
    const std::string name = row.name;
    SCOPED_TRACE(name);
    EXPECT_TRUE(names.insert(name).second) << "twice";
    EXPECT_NE(row.help, nullptr);
    EXPECT_EQ(name.ends_with("_total"), row.kind == MetricKind::counter);
    for (const CounterMember<Owner>& member : row.members) {
      if (member.read == nullptr) continue;
      const bool histogram = row.kind == MetricKind::histogram;
      EXPECT_EQ(member.bounds.bound != nullptr, histogram);
      if (!histogram && member.read(*owner).size() > 1) {
        EXPECT_NE(row.label.key, nullptr) << "cells that no label tells apart";
      }
      if (histogram) {
        // The last bucket has no bound.
        EXPECT_LT(member.bounds.bound(member.bounds.last).last_bucket + 2,
                  member.read(*owner).size());
      }
    }
    if (row.members[1].read != nullptr) {
      EXPECT_NE(row.label.key, nullptr);
      EXPECT_STRNE(row.members[0].label_value, row.members[1].label_value);
    }
  }
}

TEST(CounterTable, RowsAreWhole) {
  std::set<std::string> names;
  check_rows<PortCounters>(names);
  check_rows<WorkerCounters>(names);
  check_rows<ModelCounters>(names);
  EXPECT_GT(names.size(), 30U);
}

TEST(CounterTable, NamesReasons) {
  EXPECT_STREQ(cell_name<Drop>(0), "tx_full");
  EXPECT_STREQ(cell_name<LadderStep>(3), "keep_marks");
}

}  // namespace
}  // namespace flowmark
