#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/example_set.h"

namespace flowmark {

/// How a window's values are compared.
struct NeighbourOptions {
  uint32_t neighbours = 5;     ///< that vote, each by the inverse of its distance
  bool as_logarithms = false;  ///< of 1 + value: for counts, which are compared by size else
};

/// Exact nearest neighbours by Manhattan distance (Cover & Hart 1967): what a model must beat to
/// have learnt more than its training set by heart. Nothing is trained, chosen or calibrated. The
/// examples must outlive it. Asked by one thread; works in parallel with oneTBB; the same on any
/// number of threads.
class Neighbours {
 public:
  /// `train` may name a row several times; it counts once. Throws Error: no rows, no neighbours.
  Neighbours(const ExampleSet& examples, std::span<const uint32_t> train,
             const NeighbourOptions& options);

  /// The votes' shares [row][class]. A row is its own neighbour if it is among the training rows.
  std::vector<float> probabilities(std::span<const uint32_t> rows) const;

 private:
  struct Near {
    float distance = 0;
    uint32_t place = 0;  ///< in rows_
  };

  float value_of(const SparseValue& value) const noexcept;
  void vote(std::span<const SparseValue> window, std::vector<float>& dense,
            std::span<float> votes) const;
  /// The nearest rows to a window that is laid out in `dense`, nearest first; of equal ones the
  /// first.
  std::vector<Near> nearest(std::span<const float> dense, float total) const;

  const ExampleSet& examples_;
  NeighbourOptions options_;
  std::vector<uint32_t> rows_;
  std::vector<uint64_t> start_{0};  ///< into values_, by row
  std::vector<SparseValue> values_;
};

}  // namespace flowmark
