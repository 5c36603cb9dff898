#pragma once

#include <cstdint>
#include <vector>

#include "learn/cnn/net.h"
#include "unit/learn/cnn/reference.h"

namespace flowmark {

/// Labelled pictures for a shape.
struct Problem {
  CnnShape shape;
  CnnParameters parameters;
  std::vector<SparseWindow> pictures;
  std::vector<uint32_t> labels;

  CnnBatch batch() const;
  void add(SparseWindow picture);
};

/// Three classes, no dropout.
CnnShape shape_of(uint32_t height, uint32_t width, std::vector<CnnConv> convs,
                  std::vector<uint32_t> hidden);

/// Weights whose background is alive: biases of both signs, more of them positive.
CnnParameters lively(const CnnShape& shape, uint64_t seed);

/// Lively weights; pictures that are empty, full, of the corners alone, and of other densities.
Problem problem_of(const CnnShape& shape, uint64_t seed);

/// Every tensor's gradient to `tolerance` of its largest element.
void expect_gradient(const CnnParameters& actual, CnnReference::Numbers expected, double tolerance);

}  // namespace flowmark
