#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "data/example_set.h"
#include "learn/cnn/shape.h"

namespace flowmark {

/// How to train a FlowPic network: cross entropy, Adam, dropout.
struct CnnTrainingOptions {
  CnnShape shape;  ///< height * width must be the examples' feature count
  CnnInit init = CnnInit::pytorch;
  std::optional<CnnParameters> start;  ///< instead of `init`
  /// Pixels are multiplied by it while training; the weights that come back expect them unscaled.
  double input_scale = 1;
  uint32_t batch = 128;
  uint32_t max_epochs = 100;
  double learning_rate = 1e-3;
  /// How the learning rate goes: the same all the time, or up to `learning_rate` over the first
  /// twentieth of the steps and down to 0 along half a cosine over all others (Loshchilov & Hutter
  /// 2017), so that the last epoch needs no choosing.
  enum class Schedule : uint8_t { constant, cosine };
  Schedule schedule = Schedule::constant;
  /// Weights lose this share of themselves at each step, times the learning rate (Loshchilov &
  /// Hutter 2019, AdamW); 0: none.
  double weight_decay = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool balanced = false;  ///< every class counts as much as any other, however many windows it has
  /// Which epoch is best, by the validation rows; or the last one, whatever they say.
  enum class Judge : uint8_t { loss, accuracy, last };
  Judge judge = Judge::loss;
  /// Stop after so many epochs without an improvement of at least `min_improvement`; 0: never.
  uint32_t patience = 0;
  double min_improvement = 0;
  uint64_t seed = 1;
  /// If not empty: after each epoch all that is needed to go on is written here (by rename); if the
  /// file is there at the start, training goes on from it, and the outcome is as if it had never
  /// stopped.
  std::filesystem::path state;
  /// Set from elsewhere to stop at the next batch.
  const std::atomic<bool>* stop = nullptr;
};

/// How an epoch went.
struct CnnEpoch {
  uint32_t epoch = 0;  ///< from 1
  double loss = 0;     ///< of the training rows, as they came by, with dropout
  double accuracy = 0;
  double validation_loss = 0;  ///< 0 without validation rows
  double validation_accuracy = 0;
};

/// What to call while training, on the calling thread.
struct CnnTrainingHooks {
  /// `best`: the network after this epoch if it is the best so far, else null. False stops.
  std::function<bool(const CnnEpoch& epoch, const CnnParameters* best)> on_epoch;
  std::function<void(size_t done, size_t batches)> on_batch;
};

struct CnnTraining {
  CnnParameters parameters;  ///< of the best epoch; without validation rows of the last one
  uint32_t best_epoch = 0;   ///< 0: what it started from
  std::vector<CnnEpoch> history;
  bool interrupted = false;  ///< by `stop` or on_epoch
};

/// Trains on `train` rows and judges by `validation` rows (may be empty if patience is 0). In
/// parallel with oneTBB; the same for a given seed on any number of threads of processors with the
/// same instruction set. Throws Error: options out of range, examples of another size, a class
/// without training rows, a value that is not finite, a state file that is damaged or of another
/// training, a loss that is no longer finite.
CnnTraining train_cnn(const ExampleSet& examples, std::span<const uint32_t> train,
                      std::span<const uint32_t> validation, const CnnTrainingOptions& options,
                      const CnnTrainingHooks& hooks = {});

/// The learning rate of step `step` (from 1) of `steps`.
double learning_rate_at(const CnnTrainingOptions& options, uint64_t step, uint64_t steps);

/// The probabilities of a network for some rows, [row][class].
std::vector<float> cnn_probabilities(const CnnShape& shape, const CnnParameters& parameters,
                                     const ExampleSet& examples, std::span<const uint32_t> rows);

/// Divides the scores by a temperature for good (the last dense layer's numbers).
void fold_temperature(CnnParameters& parameters, double temperature);

}  // namespace flowmark
