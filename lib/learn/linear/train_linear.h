#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "learn/linear/linear_fit.h"

namespace flowmark {

enum class LinearType : uint8_t { logistic, naive_bayes };

struct LinearTraining {
  LinearType type = LinearType::logistic;
  /// l2 of logistic regression or alpha of naive Bayes: of several, the one whose calibrated
  /// probabilities have the lowest cross entropy on the validation rows is taken.
  std::vector<double> strengths;
  bool balanced = true;  ///< every class counts as much as any other, however many windows it has
  bool refit = false;    ///< train once more, with what was chosen, on validation rows too
  uint32_t max_iterations = 2000;
  double tolerance = 1e-6;
  uint32_t patience = 0;  ///< see LogisticOptions
  bool calibrate = true;
  bool show_progress = true;
  const std::atomic<bool>* stop = nullptr;  ///< set from elsewhere: the best so far is the outcome
  std::function<void(const std::string& line)> on_line;  ///< after every strength
  /// Logistic regression. If not empty: goes on from this file, written by an interrupted training
  /// with the same examples and options (but for max_iterations and tolerance); it is written after
  /// every strength and when `stop` is set.
  std::filesystem::path state;
};

/// One strength tried.
struct LinearTrial {
  double strength = 0;
  uint32_t iterations = 0;
  bool converged = true;
  double temperature = 1;
  double validation_loss = 0;      ///< calibrated; 0 without validation rows
  double validation_accuracy = 0;  ///< balanced
};

struct TrainedLinear {
  LinearFit fit;  ///< temperature folded in
  size_t chosen = 0;
  std::vector<LinearTrial> trials;
  bool interrupted = false;  ///< by `stop`
};

/// Trains, chooses and calibrates. Throws Error: several strengths without validation rows, a class
/// without training rows.
TrainedLinear train_linear(const ExampleSet& examples, std::span<const uint32_t> train,
                           std::span<const uint32_t> validation, const LinearTraining& options);

}  // namespace flowmark
