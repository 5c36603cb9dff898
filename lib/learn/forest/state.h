#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "learn/forest/targets.h"
#include "learn/forest/tree.h"

namespace flowmark {

/// A forest being grown: its trees by number, those there are. Each depends on its number, the
/// options and the examples alone, so that the others can be grown at any time.
using GrownTrees = std::vector<std::optional<GrownTree>>;

/// A number for everything that trees depend on: options (not how many trees) and examples.
uint64_t forest_digest(const ExampleSet& examples, std::span<const uint32_t> rows,
                       const ForestTargets& targets, const ForestOptions& options);

/// Replaces the file by rename. Throws Error.
void write_forest_state(const std::filesystem::path& path, uint64_t digest,
                        const GrownTrees& trees);

/// Puts the file's trees into their places; those with a number beyond the end are left out. False
/// if there is no such file. Throws Error when it cannot be read, is damaged, or belongs to another
/// training.
bool read_forest_state(const std::filesystem::path& path, uint64_t digest,
                       const ForestTargets& targets, uint32_t features, GrownTrees& trees);

}  // namespace flowmark
