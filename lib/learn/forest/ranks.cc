#include "learn/forest/ranks.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr uint32_t kCountable = 4096;  ///< whole numbers below this are ranked by a table

/// Ranks by table where all values are small whole numbers, as counts are. False if one is not.
bool rank_counts(std::span<const float> entry_values, std::vector<float>& distinct,
                 std::vector<uint32_t>& rank_of) {
  rank_of.assign(kCountable, 0);
  rank_of[0] = 1;
  for (const float value : entry_values) {
    if (!(value >= 0 && value < static_cast<float>(kCountable)) || value != std::floor(value)) {
      return false;
    }
    rank_of[static_cast<uint32_t>(value)] = 1;
  }
  for (uint32_t count = 0; count < kCountable; ++count) {
    if (rank_of[count] != 0) {
      rank_of[count] = static_cast<uint32_t>(distinct.size());
      distinct.push_back(static_cast<float>(count));
    }
  }
  return true;
}

}  // namespace

RankMatrix::RankMatrix(const ExampleSet& examples, std::span<const uint32_t> rows)
    : values_(examples.feature_count), zero_rank_(examples.feature_count, 0) {
  if (rows.size() >= std::numeric_limits<uint32_t>::max() - 1) {
    fail("{} examples: a forest takes at most {}", rows.size(),
         std::numeric_limits<uint32_t>::max() - 2);
  }
  column_start_.assign(size_t{examples.feature_count} + 1, 0);
  row_start_.reserve(rows.size() + 1);
  row_start_.push_back(0);
  for (const uint32_t row : rows) {
    uint64_t entries = row_start_.back();
    for (const SparseValue& value : examples.row(row)) {
      if (value.value != 0) {
        ++column_start_[value.index + 1];
        ++entries;
      }
    }
    row_start_.push_back(entries);
  }
  for (size_t j = 1; j < column_start_.size(); ++j) {
    column_start_[j] += column_start_[j - 1];
  }
  by_column_.resize(row_start_.back());
  std::vector<float> value_of_entry(by_column_.size());
  std::vector<uint64_t> next(column_start_.begin(), column_start_.end() - 1);
  for (uint32_t i = 0; i < rows.size(); ++i) {
    for (const SparseValue& value : examples.row(rows[i])) {
      if (value.value != 0) {
        const uint64_t at = next[value.index]++;
        by_column_[at].index = i;
        value_of_entry[at] = value.value;
      }
    }
  }
  tbb::parallel_for(uint32_t{0}, columns(), [&](uint32_t j) { rank_column(j, value_of_entry); });
  by_row_.resize(by_column_.size());
  next.assign(row_start_.begin(), row_start_.end() - 1);
  for (uint32_t j = 0; j < columns(); ++j) {
    for (const Entry& entry : column(j)) {
      by_row_[next[entry.index]++] = {j, entry.rank};
    }
  }
}

void RankMatrix::rank_column(uint32_t j, const std::vector<float>& value_of_entry) {
  const size_t begin = column_start_[j];
  const size_t end = column_start_[j + 1];
  const std::span entry_values(value_of_entry.data() + begin, end - begin);
  std::vector<float>& distinct = values_[j];
  std::vector<uint32_t> rank_of;
  if (rank_counts(entry_values, distinct, rank_of)) {
    for (size_t i = begin; i < end; ++i) {
      by_column_[i].rank = rank_of[static_cast<uint32_t>(value_of_entry[i])];
    }
    return;
  }
  distinct.assign(entry_values.begin(), entry_values.end());
  distinct.push_back(0);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  const auto rank = [&](float value) {
    return static_cast<uint32_t>(std::lower_bound(distinct.begin(), distinct.end(), value) -
                                 distinct.begin());
  };
  zero_rank_[j] = rank(0);
  for (size_t i = begin; i < end; ++i) {
    by_column_[i].rank = rank(value_of_entry[i]);
  }
}

}  // namespace flowmark
