#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "kernel/aligned_vector.h"
#include "learn/cnn/trainer.h"

namespace flowmark {

/// All that a training needs to go on after an epoch. The arrays are in CnnGeometry's layout.
struct CnnTrainingState {
  uint64_t steps = 0;  ///< of Adam
  uint32_t best_epoch = 0;
  uint32_t stale = 0;  ///< epochs since the last improvement that counted
  double mark = 0;     ///< what the next improvement that counts is measured against
  double best_loss = 0;
  double best_accuracy = 0;
  AlignedVector<float> parameters;
  AlignedVector<float> mean;
  AlignedVector<float> square;
  AlignedVector<float> best;
  std::vector<CnnEpoch> history;
};

/// A number for everything that must be the same for a training to go on: options (but not
/// max_epochs and patience, which may be changed) and examples.
uint64_t training_digest(const ExampleSet& examples, std::span<const uint32_t> train,
                         std::span<const uint32_t> validation, const CnnTrainingOptions& options);

/// Replaces the file by rename. Throws Error.
void write_training_state(const std::filesystem::path& path, uint64_t digest,
                          const CnnTrainingState& state);

/// False if there is no such file. Throws Error when it cannot be read, is damaged, or belongs to
/// another training. `state` has its arrays in the right size before.
bool read_training_state(const std::filesystem::path& path, uint64_t digest,
                         CnnTrainingState& state);

}  // namespace flowmark
