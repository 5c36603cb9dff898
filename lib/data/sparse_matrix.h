#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/example_set.h"

namespace flowmark {

/// Chosen rows of an example set, ready for training: by row and by column, columns that hold
/// nothing left out. Both orders, so that scores (by row) and gradients (by column) are each summed
/// by one thread in a fixed order: the result does not depend on the number of threads.
class SparseMatrix {
 public:
  struct Entry {
    uint32_t index = 0;  ///< column in a row, row in a column
    float value = 0;
  };

  SparseMatrix(const ExampleSet& examples, std::span<const uint32_t> rows);

  uint32_t rows() const noexcept { return static_cast<uint32_t>(row_start_.size() - 1); }
  uint32_t columns() const noexcept { return static_cast<uint32_t>(features_.size()); }
  /// The feature that each column is, ascending.
  const std::vector<uint32_t>& features() const noexcept { return features_; }
  std::span<const Entry> row(uint32_t i) const noexcept {
    return {by_row_.data() + row_start_[i], by_row_.data() + row_start_[i + 1]};
  }
  std::span<const Entry> column(uint32_t j) const noexcept {
    return {by_column_.data() + column_start_[j], by_column_.data() + column_start_[j + 1]};
  }

 private:
  std::vector<uint32_t> features_;
  std::vector<uint64_t> row_start_;
  std::vector<uint64_t> column_start_;
  std::vector<Entry> by_row_;
  std::vector<Entry> by_column_;
};

/// How many of the rows each class has. Throws Error, naming it, if a class has none.
std::vector<uint32_t> count_by_class(const ExampleSet& examples, std::span<const uint32_t> rows);

/// What a classifier learns from: a matrix, the class of each row and its weight.
struct TrainingData {
  TrainingData(const ExampleSet& examples, std::span<const uint32_t> rows, bool balanced);

  SparseMatrix matrix;
  std::vector<uint32_t> labels;
  /// Sum 1 over all rows. `balanced`: every class has the same sum.
  std::vector<double> weights;
  uint32_t class_count;
  uint32_t feature_count;  ///< of the model's input
};

}  // namespace flowmark
