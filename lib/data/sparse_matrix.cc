#include "data/sparse_matrix.h"

#include "base/error.h"

namespace flowmark {

SparseMatrix::SparseMatrix(const ExampleSet& examples, std::span<const uint32_t> rows) {
  std::vector<uint32_t> column_of(examples.feature_count, 0);
  for (const uint32_t row : rows) {
    for (const SparseValue& value : examples.row(row)) {
      ++column_of[value.index];
    }
  }
  column_start_.push_back(0);
  for (uint32_t feature = 0; feature < examples.feature_count; ++feature) {
    if (column_of[feature] > 0) {
      column_start_.push_back(column_start_.back() + column_of[feature]);
      column_of[feature] = static_cast<uint32_t>(features_.size());
      features_.push_back(feature);
    }
  }
  by_row_.reserve(column_start_.back());
  by_column_.resize(column_start_.back());
  std::vector<uint64_t> next(column_start_.begin(), column_start_.end() - 1);
  row_start_.push_back(0);
  for (uint32_t i = 0; i < rows.size(); ++i) {
    for (const SparseValue& value : examples.row(rows[i])) {
      const uint32_t column = column_of[value.index];
      by_row_.push_back({column, value.value});
      by_column_[next[column]++] = {i, value.value};
    }
    row_start_.push_back(by_row_.size());
  }
}

std::vector<uint32_t> count_by_class(const ExampleSet& examples, std::span<const uint32_t> rows) {
  std::vector<uint32_t> count(examples.classes.size(), 0);
  for (const uint32_t row : rows) {
    ++count[examples.info(row).class_index];
  }
  for (size_t c = 0; c < count.size(); ++c) {
    if (count[c] == 0) {
      fail("class '{}' is empty: no window to train on", examples.classes[c]);
    }
  }
  return count;
}

TrainingData::TrainingData(const ExampleSet& examples, std::span<const uint32_t> rows,
                           bool balanced)
    : matrix(examples, rows),
      class_count(static_cast<uint32_t>(examples.classes.size())),
      feature_count(examples.feature_count) {
  const std::vector<uint32_t> count = count_by_class(examples, rows);
  for (const uint32_t row : rows) {
    labels.push_back(examples.info(row).class_index);
    weights.push_back(balanced ? 1.0 / (static_cast<double>(count[labels.back()]) * class_count)
                               : 1.0 / static_cast<double>(rows.size()));
  }
}

}  // namespace flowmark
