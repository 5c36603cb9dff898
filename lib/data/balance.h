#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/example_set.h"

namespace flowmark {

/// How rows are drawn so that no source can be learnt as a class.
struct BalanceOptions {
  /// What is known of a flow that names its source. Levels are parted by '/': "lab/tor/lte".
  /// Empty: all rows are of one source, and most_rows alone is heeded.
  std::string key = "source";
  /// No row is drawn more often, so that a source of a few flows is not learnt by heart.
  uint32_t most_times = 10;
  uint64_t most_rows = 0;  ///< of a class, drawn; 0: as many as the class has
  uint64_t seed = 1;
};

/// Draws rows so that within a class every source has the same share: first the sources' first
/// levels, within each of them the second levels, and so on. A source that is too small for its
/// share gets most_times of its rows, and the others share the rest. Large sources lose rows at
/// random, small ones repeat theirs. A class (of a multi-label set: a set of labels) has as many
/// rows as before, or most_rows. Ascending; the same for the same seed. Throws Error naming a flow
/// that has no such key; most_times of 0.
std::vector<uint32_t> balance_rows(const ExampleSet& examples, std::span<const uint32_t> rows,
                                   const BalanceOptions& options);

/// The first levels of the sources that the rows come from, sorted.
std::vector<std::string> source_names(const ExampleSet& examples, std::span<const uint32_t> rows,
                                      const std::string& key);

}  // namespace flowmark
