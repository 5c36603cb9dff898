#include "learn/cnn/trainer.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/error.h"
#include "learn/cnn/net.h"
#include "learn/cnn/state.h"

namespace flowmark {
namespace {

constexpr size_t kEvaluationBatch = 128;

// What random numbers are for.
constexpr uint64_t kShuffle = 1;
constexpr uint64_t kDropout = 2;

void check_options(const CnnTrainingOptions& options, bool validation) {
  options.shape.check("network");
  if (options.start) {
    options.start->check(options.shape, "weights to start from");
  }
  if (!(options.input_scale > 0) || !std::isfinite(options.input_scale)) {
    fail("input scale {}, must be positive", options.input_scale);
  }
  if (options.batch < 1 || options.batch > 65536) {
    fail("batch of {}, must be 1 to 65536", options.batch);
  }
  if (!(options.learning_rate > 0) || !std::isfinite(options.learning_rate)) {
    fail("learning rate {}, must be positive", options.learning_rate);
  }
  for (const double beta : {options.beta1, options.beta2}) {
    if (!(beta >= 0 && beta < 1)) {
      fail("beta {}, must be at least 0 and less than 1", beta);
    }
  }
  if (!(options.epsilon > 0)) {
    fail("epsilon {}, must be positive", options.epsilon);
  }
  if (!(options.weight_decay >= 0) || !(options.weight_decay * options.learning_rate < 1)) {
    fail("weight decay {}, must be at least 0 and, times the learning rate, less than 1",
         options.weight_decay);
  }
  if (!(options.min_improvement >= 0)) {
    fail("min_improvement {}, must not be negative", options.min_improvement);
  }
  if (options.patience > 0 && options.judge == CnnTrainingOptions::Judge::last) {
    fail("patience {}, but the last epoch is taken whatever the validation rows say",
         options.patience);
  }
  if (options.patience > 0 && !validation) {
    fail("patience {}, but there are no validation rows to judge by", options.patience);
  }
}

void check_rows(const ExampleSet& examples, std::span<const uint32_t> rows, const CnnShape& shape) {
  for (const uint32_t row : rows) {
    if (examples.info(row).class_index >= shape.classes) {
      fail("example {}: class {}, but the network has {}", row, examples.info(row).class_index,
           shape.classes);
    }
  }
}

/// One training under way.
class Trainer {
 public:
  Trainer(const ExampleSet& examples, std::span<const uint32_t> train,
          std::span<const uint32_t> validation, const CnnTrainingOptions& options)
      : examples_(examples),
        train_(train),
        validation_(validation),
        options_(options),
        net_(options.shape, options.input_scale),
        random_(options.seed) {
    const size_t size = net_.geometry().parameters;
    for (AlignedVector<float>* array :
         {&state_.parameters, &state_.mean, &state_.square, &state_.best, &gradient_}) {
      array->assign(size, 0);
    }
    net_.geometry().import(options.start
                               ? *options.start
                               : initial_parameters(options.shape, options.init, options.seed),
                           options.input_scale, state_.parameters.data());
    state_.best = state_.parameters;
    state_.best_loss = std::numeric_limits<double>::infinity();
    state_.mark = std::numeric_limits<double>::infinity();
    state_.best_accuracy = -1;
    set_class_weights();
  }

  CnnTraining run(const CnnTrainingHooks& hooks);

 private:
  uint64_t batches_of(size_t rows) const { return (rows + options_.batch - 1) / options_.batch; }
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }
  bool out_of_patience() const {
    return options_.patience > 0 && state_.stale >= options_.patience;
  }
  void set_class_weights();
  CnnBatch batch(std::span<const uint32_t> rows) const;
  bool run_epoch(uint32_t epoch, const CnnTrainingHooks& hooks, CnnEpoch& result);
  void step();
  CnnScore validate();
  bool judge(const CnnEpoch& epoch);

  const ExampleSet& examples_;
  std::span<const uint32_t> train_;
  std::span<const uint32_t> validation_;
  const CnnTrainingOptions& options_;
  CnnNet net_;
  KeyedRandom random_;
  CnnTrainingState state_;
  AlignedVector<float> gradient_;
  std::vector<float> class_weights_;
};

void Trainer::set_class_weights() {
  std::vector<double> counts(options_.shape.classes);
  for (const uint32_t row : train_) {
    ++counts[examples_.info(row).class_index];
  }
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) {
      fail("class {} has no training rows",
           c < examples_.classes.size() ? examples_.classes[c] : std::to_string(c));
    }
    const auto all = static_cast<double>(train_.size());
    class_weights_.push_back(
        options_.balanced
            ? static_cast<float>(all / (counts[c] * static_cast<double>(counts.size())))
            : 1);
  }
}

CnnBatch Trainer::batch(std::span<const uint32_t> rows) const {
  CnnBatch out;
  for (const uint32_t row : rows) {
    out.windows.push_back(examples_.row(row));
    out.labels.push_back(examples_.info(row).class_index);
    out.weights.push_back(class_weights_[out.labels.back()]);
  }
  return out;
}

void Trainer::step() {
  ++state_.steps;
  const auto t = static_cast<double>(state_.steps);
  const double rate =
      learning_rate_at(options_, state_.steps, batches_of(train_.size()) * options_.max_epochs);
  tbb::parallel_for(tbb::blocked_range<size_t>(0, gradient_.size() / 16, 1024),
                    [&](const auto& range) {
                      const size_t begin = range.begin() * 16;
                      CnnAdam task;
                      task.parameters = state_.parameters.data() + begin;
                      task.mean = state_.mean.data() + begin;
                      task.square = state_.square.data() + begin;
                      task.gradient = gradient_.data() + begin;
                      task.n = range.size() * 16;
                      task.beta1 = static_cast<float>(options_.beta1);
                      task.beta2 = static_cast<float>(options_.beta2);
                      task.step = static_cast<float>(rate / (1 - std::pow(options_.beta1, t)));
                      task.scale = static_cast<float>(std::sqrt(1 - std::pow(options_.beta2, t)));
                      task.epsilon = static_cast<float>(options_.epsilon);
                      task.keep = static_cast<float>(1 - rate * options_.weight_decay);
                      default_cnn_kernels().adam(task);
                    });
}

/// False if it was stopped on the way.
bool Trainer::run_epoch(uint32_t epoch, const CnnTrainingHooks& hooks, CnnEpoch& result) {
  std::vector<uint32_t> order(train_.begin(), train_.end());
  const KeyedRandom random = random_.sub(kShuffle).sub(epoch);
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.bits(i) % i]);
  }
  CnnScore score;
  const size_t batches = batches_of(order.size());
  for (size_t i = 0; i < batches; ++i) {
    if (stopped()) {
      return false;
    }
    const size_t begin = i * options_.batch;
    const size_t size = std::min<size_t>(options_.batch, order.size() - begin);
    net_.set_parameters(state_.parameters.data());
    const CnnDropout dropout{true, random_.sub(kDropout).sub(state_.steps)};
    score.add(net_.gradient(batch({order.data() + begin, size}), dropout, gradient_.data()));
    if (!std::isfinite(score.loss)) {
      fail("epoch {}: the loss is no longer finite; try a smaller learning rate (now {})", epoch,
           options_.learning_rate);
    }
    step();
    if (hooks.on_batch) {
      hooks.on_batch(i + 1, batches);
    }
  }
  result.epoch = epoch;
  result.loss = score.mean_loss();
  result.accuracy = score.accuracy();
  return true;
}

CnnScore Trainer::validate() {
  CnnScore score;
  net_.set_parameters(state_.parameters.data());
  for (size_t i = 0; i < validation_.size(); i += kEvaluationBatch) {
    score.add(net_.evaluate(
        batch(validation_.subspan(i, std::min(kEvaluationBatch, validation_.size() - i)))));
  }
  return score;
}

/// Whether the epoch is the best so far; keeps its parameters and the count of stale epochs.
bool Trainer::judge(const CnnEpoch& epoch) {
  if (validation_.empty() || options_.judge == CnnTrainingOptions::Judge::last) {
    state_.best = state_.parameters;
    state_.best_epoch = epoch.epoch;
    return true;
  }
  const bool by_loss = options_.judge == CnnTrainingOptions::Judge::loss;
  const double now = by_loss ? epoch.validation_loss : -epoch.validation_accuracy;
  if (now < state_.mark && !(state_.mark - now < options_.min_improvement)) {
    state_.mark = now;
    state_.stale = 0;
  } else {
    ++state_.stale;
  }
  const bool less = epoch.validation_loss < state_.best_loss;
  const bool best = by_loss ? less
                            : epoch.validation_accuracy > state_.best_accuracy ||
                                  (epoch.validation_accuracy == state_.best_accuracy && less);
  if (best) {
    state_.best = state_.parameters;
    state_.best_epoch = epoch.epoch;
    state_.best_loss = epoch.validation_loss;
    state_.best_accuracy = epoch.validation_accuracy;
  }
  return best;
}

CnnTraining Trainer::run(const CnnTrainingHooks& hooks) {
  CnnTraining out;
  uint64_t digest = 0;
  if (!options_.state.empty()) {
    digest = training_digest(examples_, train_, validation_, options_);
    read_training_state(options_.state, digest, state_);
  }
  const auto best = [&] {
    return net_.geometry().export_from(state_.best.data(), options_.input_scale);
  };
  while (state_.history.size() < options_.max_epochs && !out_of_patience() && !out.interrupted) {
    CnnEpoch epoch;
    if (!run_epoch(static_cast<uint32_t>(state_.history.size() + 1), hooks, epoch)) {
      out.interrupted = true;
      break;
    }
    if (!validation_.empty()) {
      const CnnScore score = validate();
      epoch.validation_loss = score.mean_loss();
      epoch.validation_accuracy = score.accuracy();
    }
    const bool is_best = judge(epoch);
    state_.history.push_back(epoch);
    if (!options_.state.empty()) {
      write_training_state(options_.state, digest, state_);
    }
    if (hooks.on_epoch) {
      const std::optional<CnnParameters> network = is_best ? std::optional(best()) : std::nullopt;
      out.interrupted = !hooks.on_epoch(epoch, network ? &*network : nullptr);
    }
  }
  out.parameters = best();
  out.best_epoch = state_.best_epoch;
  out.history = state_.history;
  return out;
}

}  // namespace

double learning_rate_at(const CnnTrainingOptions& options, uint64_t step, uint64_t steps) {
  if (options.schedule == CnnTrainingOptions::Schedule::constant) {
    return options.learning_rate;
  }
  const auto rise = static_cast<double>(steps) / 20;
  const auto t = static_cast<double>(std::min(step, steps));
  if (t <= rise) {
    return options.learning_rate * t / rise;
  }
  // Step `steps` still moves a little: its place is the middle of the last step.
  const double way = (t - 0.5 - rise) / (static_cast<double>(steps) - rise);
  return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * std::max(way, 0.0)));
}

CnnTraining train_cnn(const ExampleSet& examples, std::span<const uint32_t> train,
                      std::span<const uint32_t> validation, const CnnTrainingOptions& options,
                      const CnnTrainingHooks& hooks) {
  check_options(options, !validation.empty());
  if (examples.feature_count != options.shape.height * options.shape.width) {
    fail("examples of {} values, but the network reads pictures of {} x {}", examples.feature_count,
         options.shape.height, options.shape.width);
  }
  check_rows(examples, train, options.shape);
  check_rows(examples, validation, options.shape);
  return Trainer(examples, train, validation, options).run(hooks);
}

}  // namespace flowmark
