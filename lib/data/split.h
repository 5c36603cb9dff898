#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/example_set.h"
#include "data/manifest.h"

namespace flowmark {

enum class Part : uint8_t { train, validation, test };

/// How examples are dealt out. What belongs together (a group) stays together: windows of one flow,
/// and flows of one recording, resemble each other, and a model tested on brothers of its training
/// windows looks better than it is.
struct SplitOptions {
  /// "window", "flow", "file", or what is known of flows: "session", "capture", a key of the
  /// manifest's entries ("network", ...).
  std::string by = "flow";
  double validation = 0.15;  ///< share of the groups of each class, of those not for the test
  double test = 0;           ///< share of the groups of each class
  /// > 0: so many groups of each class for training and validation, all others for the test.
  uint32_t train_per_class = 0;
  uint64_t seed = 1;
};

struct Split {
  std::vector<Part> parts;         ///< per example
  uint32_t groups[3] = {0, 0, 0};  ///< by Part
};

/// Deals out the examples, by class, at random but the same for the same seed everywhere; of a
/// multi-label set so that every label has its share on each side (data/stratify.h). Groups
/// whose entry has a `split` stay there (of its training groups, a share goes to validation if no
/// entry says validation). Throws Error when an entry lacks the key or a class has too few groups.
Split split_examples(const ExampleSet& examples, const std::vector<DataSource>& sources,
                     const SplitOptions& options);

/// "session" if every flow has one, else "flow".
std::string default_split(const ExampleSet& examples);

/// The rows of a part; `with_repeats` as ExampleInfo::repeat. Examples added after the split
/// (changed copies) are of no part.
std::vector<uint32_t> rows_of(const ExampleSet& examples, const Split& split, Part part,
                              bool with_repeats);

}  // namespace flowmark
