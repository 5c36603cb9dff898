#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/augment.h"
#include "data/load_examples.h"

namespace flowmark {

struct AugmentOptions {
  std::vector<Augmentation> kinds;  ///< each copy is changed by one of them, in turn
  uint32_t copies = 10;             ///< of every training flow
  uint64_t seed = 1;
};

/// Reads the sources once more and appends the windows of changed copies of the flows that `train`
/// rows are from, cut as the originals were. Returns the new rows. A flow with rows elsewhere too
/// (a split by window) gets no copies, they would carry what the test is to judge; neither does one
/// whose name its file has twice. `spec` and `cut` as for load_examples. In parallel, in a fixed
/// order, the same for the same seed. Throws Error as load_examples; no kinds; no copies.
std::vector<uint32_t> augment_examples(ExampleSet& examples, const std::vector<DataSource>& sources,
                                       const FeatureSpec& spec, const CutOptions& cut,
                                       std::span<const uint32_t> train,
                                       const AugmentOptions& options);

}  // namespace flowmark
