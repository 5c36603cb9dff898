#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/example_set.h"

namespace flowmark {

/// Chosen rows of an example set as a decision tree sees them: every value replaced by its rank
/// among the different values of its feature, 0 included, so that splits are found by counting,
/// exactly, whatever the values are. Only what is not zero is kept, by row and by column.
/// Immutable.
class RankMatrix {
 public:
  struct Entry {
    uint32_t index = 0;  ///< row in a column, column in a row; ascending
    uint32_t rank = 0;
  };

  /// `rows` of `examples`, renumbered from 0. Works on oneTBB's threads. Throws Error when there
  /// are more than 2^32 - 2 rows.
  RankMatrix(const ExampleSet& examples, std::span<const uint32_t> rows);

  uint32_t rows() const noexcept { return static_cast<uint32_t>(row_start_.size() - 1); }
  /// All features of the input, also those that are zero everywhere.
  uint32_t columns() const noexcept { return static_cast<uint32_t>(column_start_.size() - 1); }
  std::span<const Entry> row(uint32_t i) const noexcept {
    return {by_row_.data() + row_start_[i], by_row_.data() + row_start_[i + 1]};
  }
  std::span<const Entry> column(uint32_t j) const noexcept {
    return {by_column_.data() + column_start_[j], by_column_.data() + column_start_[j + 1]};
  }
  uint64_t entries() const noexcept { return by_row_.size(); }

  /// The different values of a column, ascending, 0 among them: values(j)[rank].
  std::span<const float> values(uint32_t j) const noexcept { return values_[j]; }
  uint32_t zero_rank(uint32_t j) const noexcept { return zero_rank_[j]; }

 private:
  void rank_column(uint32_t j, const std::vector<float>& value_of_entry);

  std::vector<uint64_t> row_start_;
  std::vector<uint64_t> column_start_;
  std::vector<Entry> by_row_;
  std::vector<Entry> by_column_;
  std::vector<std::vector<float>> values_;
  std::vector<uint32_t> zero_rank_;
};

}  // namespace flowmark
