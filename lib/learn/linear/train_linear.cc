#include "learn/linear/train_linear.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/progress.h"
#include "evaluate/confusion.h"
#include "learn/linear/linear_state.h"

namespace flowmark {
namespace {

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

/// One training: strength after strength, then perhaps all over again with the best.
class LinearRun {
 public:
  LinearRun(const ExampleSet& examples, std::span<const uint32_t> train,
            std::span<const uint32_t> validation, const LinearTraining& options)
      : examples_(examples), train_(train), validation_(validation), options_(options) {}

  TrainedLinear run() {
    resume();
    prepare();
    while (state_.trials.size() < options_.strengths.size() && !interrupted_) {
      try_next();
    }
    if (options_.refit && !validation_.empty() && !interrupted_) {
      refit();
    }
    TrainedLinear trained{std::move(*state_.best), state_.chosen, std::move(state_.trials),
                          interrupted_};
    if (options_.calibrate) {
      fold_temperature(trained.fit, trained.trials[trained.chosen].temperature);
    }
    return trained;
  }

 private:
  bool has_state() const {
    return options_.type == LinearType::logistic && !options_.state.empty();
  }
  bool is_stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  void resume() {
    if (!has_state()) return;
    digest_ = linear_digest(examples_, train_, validation_, options_);
    if (auto found = read_linear_state(options_.state, digest_)) {
      state_ = std::move(*found);
    }
  }

  void save() const {
    if (has_state()) write_linear_state(options_.state, digest_, state_);
  }

  void prepare() {
    if (options_.type == LinearType::naive_bayes) return;
    data_ = std::make_unique<TrainingData>(examples_, train_, options_.balanced);
    if (options_.patience > 0 && !validation_.empty()) {
      held_ = std::make_unique<TrainingData>(examples_, validation_, options_.balanced);
    }
  }

  LinearFit fit_regression(const TrainingData& data, const TrainingData* held, uint32_t patience,
                           double strength) {
    std::optional<Progress> progress;
    if (options_.show_progress) progress.emplace(fmt::format("l2 {:g}", strength), 0);
    LogisticOptions logistic;
    logistic.l2 = strength;
    logistic.max_iterations = options_.max_iterations;
    logistic.tolerance = options_.tolerance;
    logistic.patience = patience;
    logistic.on_iteration = [&](uint32_t iteration, double loss) {
      if (!progress) return;
      progress->note(fmt::format("loss {:.6f}", loss));
      progress->set(iteration);
    };
    logistic.stop = options_.stop;
    logistic.start = state_.begun ? &*state_.begun : nullptr;
    return fit_logistic(data, logistic, held);
  }

  LinearFit fit(double strength) {
    return options_.type == LinearType::naive_bayes
               ? fit_naive_bayes(examples_, train_, options_.balanced, strength)
               : fit_regression(*data_, held_.get(), options_.patience, strength);
  }

  LinearTrial judge(const LinearFit& fit, double strength) const {
    LinearTrial trial{strength, fit.iterations, fit.converged};
    if (!validation_.empty()) {
      const Calibration calibration = calibrate(fit, examples_, validation_);
      trial.temperature = calibration.temperature;
      trial.validation_loss = calibration.loss;
      trial.validation_accuracy = balanced_accuracy(fit, examples_, validation_);
    }
    return trial;
  }

  /// An interrupted fit is judged as the others, but the state leaves its strength to be gone on
  /// with.
  void try_next() {
    const double strength = options_.strengths[state_.trials.size()];
    LinearFit next = fit(strength);
    const LinearTrial trial = judge(next, strength);
    if (options_.on_line) {
      options_.on_line(fmt::format("strength {:g}: {} iterations, validation loss {:.5f}", strength,
                                   trial.iterations, trial.validation_loss));
    }
    state_.begun.reset();
    interrupted_ = is_stopped();
    if (interrupted_) {
      state_.begun = next;
      save();
    }
    if (state_.trials.empty() ||
        trial.validation_loss < state_.trials[state_.chosen].validation_loss) {
      state_.chosen = state_.trials.size();
      state_.best = std::move(next);
    }
    state_.trials.push_back(trial);
    if (!interrupted_) save();
  }

  /// Interrupted, the fit without validation rows remains.
  void refit() {
    std::vector<uint32_t> all(train_.begin(), train_.end());
    all.insert(all.end(), validation_.begin(), validation_.end());
    std::sort(all.begin(), all.end());
    const double strength = state_.trials[state_.chosen].strength;
    LinearFit fit =
        options_.type == LinearType::naive_bayes
            ? fit_naive_bayes(examples_, all, options_.balanced, strength)
            : fit_regression(TrainingData(examples_, all, options_.balanced), nullptr, 0, strength);
    interrupted_ = is_stopped();
    if (interrupted_) {
      state_.begun = std::move(fit);
      save();
    } else {
      state_.best = std::move(fit);
    }
  }

  const ExampleSet& examples_;
  std::span<const uint32_t> train_;
  std::span<const uint32_t> validation_;
  const LinearTraining& options_;
  std::unique_ptr<TrainingData> data_;  ///< of regression only
  std::unique_ptr<TrainingData> held_;
  uint64_t digest_ = 0;
  LinearState state_;
  bool interrupted_ = false;
};

}  // namespace

TrainedLinear train_linear(const ExampleSet& examples, std::span<const uint32_t> train,
                           std::span<const uint32_t> validation, const LinearTraining& options) {
  if (options.strengths.empty() || (options.strengths.size() > 1 && validation.empty())) {
    fail("{} strengths of regularisation to choose from: validation data is needed to choose",
         options.strengths.size());
  }
  return LinearRun(examples, train, validation, options).run();
}

}  // namespace flowmark
