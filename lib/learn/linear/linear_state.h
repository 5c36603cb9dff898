#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "learn/linear/train_linear.h"

namespace flowmark {

/// Where a training of several strengths stands.
struct LinearState {
  std::vector<LinearTrial> trials;  ///< of strengths that are done
  size_t chosen = 0;                ///< the best of them
  std::optional<LinearFit> best;    ///< its fit, temperature not folded in
  std::optional<LinearFit> begun;   ///< of the strength that comes next, or of refitting
};

/// A number for everything that must be the same for a training to go on: options (but not
/// max_iterations and tolerance, which may be changed) and examples.
uint64_t linear_digest(const ExampleSet& examples, std::span<const uint32_t> train,
                       std::span<const uint32_t> validation, const LinearTraining& options);

/// Replaces the file by rename. Throws Error.
void write_linear_state(const std::filesystem::path& path, uint64_t digest,
                        const LinearState& state);

/// nullopt if there is no such file. Throws Error when it cannot be read, is damaged, or belongs to
/// another training.
std::optional<LinearState> read_linear_state(const std::filesystem::path& path, uint64_t digest);

}  // namespace flowmark
