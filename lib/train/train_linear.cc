#include "train/train_linear.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/progress.h"
#include "train/confusion.h"

namespace flowmark {
namespace {

LinearFit fit_once(const TrainingData& data, const TrainingData* validation, double strength,
                   const LinearTraining& options) {
  if (options.type == LinearType::naive_bayes) {
    return fit_naive_bayes(data, strength);
  }
  std::optional<Progress> progress;
  if (options.show_progress) progress.emplace(fmt::format("l2 {:g}", strength), 0);
  LogisticOptions logistic;
  logistic.l2 = strength;
  logistic.max_iterations = options.max_iterations;
  logistic.tolerance = options.tolerance;
  logistic.patience = options.patience;
  logistic.on_iteration = [&](uint32_t iteration, double loss) {
    if (!progress) return;
    progress->note(fmt::format("loss {:.6f}", loss));
    progress->set(iteration);
  };
  logistic.stop = options.stop;
  return fit_logistic(data, logistic, validation);
}

double balanced_accuracy(const LinearFit& fit, const ExampleSet& examples,
                         std::span<const uint32_t> rows) {
  Confusion confusion(examples.classes);
  std::vector<double> scores(fit.class_count());
  for (const uint32_t row : rows) {
    fit.score(examples.row(row), scores);
    const auto top = std::max_element(scores.begin(), scores.end()) - scores.begin();
    confusion.add(examples.info(row).class_index, static_cast<uint32_t>(top));
  }
  return confusion.balanced_accuracy();
}

}  // namespace

TrainedLinear train_linear(const ExampleSet& examples, std::span<const uint32_t> train,
                           std::span<const uint32_t> validation, const LinearTraining& options) {
  if (options.strengths.empty() || (options.strengths.size() > 1 && validation.empty())) {
    fail("{} strengths of regularisation to choose from: validation data is needed to choose",
         options.strengths.size());
  }
  const TrainingData data(examples, train, options.balanced);
  std::unique_ptr<TrainingData> held;
  if (options.patience > 0 && !validation.empty()) {
    held = std::make_unique<TrainingData>(examples, validation, options.balanced);
  }
  TrainedLinear best;
  for (const double strength : options.strengths) {
    LinearFit fit = fit_once(data, held.get(), strength, options);
    LinearTrial trial{strength, fit.iterations, fit.converged};
    if (!validation.empty()) {
      const Calibration calibration = calibrate(fit, examples, validation);
      trial.temperature = calibration.temperature;
      trial.validation_loss = calibration.loss;
      trial.validation_accuracy = balanced_accuracy(fit, examples, validation);
    }
    if (best.trials.empty() || trial.validation_loss < best.trials[best.chosen].validation_loss) {
      best.chosen = best.trials.size();
      best.fit = std::move(fit);
    }
    best.trials.push_back(trial);
    if (options.on_line) {
      options.on_line(fmt::format("strength {:g}: {} iterations, validation loss {:.5f}", strength,
                                  trial.iterations, trial.validation_loss));
    }
    if (options.stop != nullptr && options.stop->load()) {
      best.interrupted = true;
      break;
    }
  }
  const LinearTrial& chosen = best.trials[best.chosen];
  if (options.refit && !validation.empty() && !best.interrupted) {
    std::vector<uint32_t> all(train.begin(), train.end());
    all.insert(all.end(), validation.begin(), validation.end());
    std::sort(all.begin(), all.end());
    LinearTraining once = options;
    once.patience = 0;
    best.fit =
        fit_once(TrainingData(examples, all, options.balanced), nullptr, chosen.strength, once);
  }
  if (options.calibrate) {
    fold_temperature(best.fit, chosen.temperature);
  }
  return best;
}

}  // namespace flowmark
