#include "learn/cnn/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "kernel/kernels.h"
#include "model/engine/build_engine.h"
#include "unit/learn/cnn/reference.h"
#include "unit/learn/cnn/training_rows.h"

namespace flowmark {
namespace {

using testing::HasSubstr;

TEST(CnnTrainer, Learns) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  options.max_epochs = 60;
  options.patience = 20;
  const CnnTraining result = train_cnn(rows.examples, rows.train, rows.validation, options);
  ASSERT_GT(result.best_epoch, 0U);
  EXPECT_GT(result.history[result.best_epoch - 1].validation_accuracy, 0.9);
  const std::vector<float> probabilities =
      cnn_probabilities(options.shape, result.parameters, rows.examples, rows.validation);
  double loss = 0;
  for (size_t i = 0; i < rows.validation.size(); ++i) {
    const uint32_t label = rows.examples.info(rows.validation[i]).class_index;
    loss -= std::log(static_cast<double>(probabilities[i * 3 + label]));
  }
  // What comes back is the network of the best epoch.
  EXPECT_NEAR(loss / static_cast<double>(rows.validation.size()),
              result.history[result.best_epoch - 1].validation_loss, 1e-5);
  for (const CnnEpoch& epoch : result.history) {
    EXPECT_GE(epoch.validation_loss, result.history[result.best_epoch - 1].validation_loss);
  }
}

TEST(CnnTrainer, IsTheSameOnAnyNumberOfThreads) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  options.batch = 40;  // five chunks
  std::vector<CnnTraining> results;
  for (const int threads : {1, 2, 5}) {
    const tbb::global_control control(tbb::global_control::max_allowed_parallelism,
                                      static_cast<size_t>(threads));
    tbb::task_arena arena(threads);
    arena.execute(
        [&] { results.push_back(train_cnn(rows.examples, rows.train, rows.validation, options)); });
  }
  for (const CnnTraining& result : results) {
    expect_same(result.parameters, results[0].parameters);
    for (size_t i = 0; i < result.history.size(); ++i) {
      EXPECT_EQ(result.history[i].loss, results[0].history[i].loss);
      EXPECT_EQ(result.history[i].validation_loss, results[0].history[i].validation_loss);
    }
  }
}

TEST(CnnTrainer, DependsOnTheSeed) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  const CnnTraining first = train_cnn(rows.examples, rows.train, rows.validation, options);
  const CnnTraining again = train_cnn(rows.examples, rows.train, rows.validation, options);
  expect_same(first.parameters, again.parameters);
  options.seed = 2;
  const CnnTraining other = train_cnn(rows.examples, rows.train, rows.validation, options);
  EXPECT_NE(first.parameters.convs[0].weights, other.parameters.convs[0].weights);
}

TEST(CnnTrainer, StopsWhenItRunsOutOfPatience) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  options.max_epochs = 50;
  options.patience = 3;
  options.min_improvement = 10;  // no loss ever gets so much smaller
  const CnnTraining result = train_cnn(rows.examples, rows.train, rows.validation, options);
  EXPECT_EQ(result.history.size(), 4U);  // the first counts, whatever its loss
  EXPECT_FALSE(result.interrupted);
}

TEST(CnnTrainer, JudgesByAccuracyIfAsked) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  options.max_epochs = 25;
  options.judge = CnnTrainingOptions::Judge::accuracy;
  const CnnTraining result = train_cnn(rows.examples, rows.train, rows.validation, options);
  const CnnEpoch& best = result.history[result.best_epoch - 1];
  for (const CnnEpoch& epoch : result.history) {
    EXPECT_LE(epoch.validation_accuracy, best.validation_accuracy);
  }
}

TEST(CnnTrainer, HandsOverEachBetterNetwork) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  options.max_epochs = 10;
  CnnParameters last;
  uint32_t last_epoch = 0;
  CnnTrainingHooks hooks;
  hooks.on_epoch = [&](const CnnEpoch& epoch, const CnnParameters* best) {
    if (best != nullptr) {
      last = *best;
      last_epoch = epoch.epoch;
    }
    return true;
  };
  const CnnTraining result = train_cnn(rows.examples, rows.train, rows.validation, options, hooks);
  EXPECT_EQ(last_epoch, result.best_epoch);
  expect_same(last, result.parameters);
}

TEST(CnnTrainer, JudgedByTheLastTheLastEpochComesBack) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  options.max_epochs = 5;
  options.learning_rate = 0.05;  // so that no epoch is sure to be better than the one before
  options.judge = CnnTrainingOptions::Judge::last;
  const CnnTraining result = train_cnn(rows.examples, rows.train, rows.validation, options);
  EXPECT_EQ(result.best_epoch, 5U);
  options.judge = CnnTrainingOptions::Judge::loss;
  options.max_epochs = 5;
  const CnnTraining same = train_cnn(rows.examples, rows.train, {}, options);
  expect_same(result.parameters, same.parameters);
  options.judge = CnnTrainingOptions::Judge::last;
  options.patience = 3;
  EXPECT_THAT(message_of([&] { train_cnn(rows.examples, rows.train, rows.validation, options); }),
              HasSubstr("the last epoch is taken"));
}

TEST(CnnTrainer, TheLearningRateRisesAndFallsAlongACosine) {
  CnnTrainingOptions options;
  options.learning_rate = 0.01;
  EXPECT_EQ(learning_rate_at(options, 1, 1000), 0.01);
  EXPECT_EQ(learning_rate_at(options, 1000, 1000), 0.01);
  options.schedule = CnnTrainingOptions::Schedule::cosine;
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 1, 1000), 0.01 / 50);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 50, 1000), 0.01);
  double before = 0.01;
  for (uint64_t step = 51; step <= 1000; ++step) {
    const double now = learning_rate_at(options, step, 1000);
    EXPECT_LT(now, before) << step;
    EXPECT_GT(now, 0) << step;
    before = now;
  }
  EXPECT_NEAR(learning_rate_at(options, 525, 1000), 0.005, 1e-5);  // half way down
  EXPECT_LT(before, 1e-7);
}

TEST(CnnTrainer, WithoutValidationReturnsTheLastEpoch) {
  const Rows rows;
  const CnnTraining result = train_cnn(rows.examples, rows.train, {}, small_options());
  EXPECT_EQ(result.best_epoch, 6U);
  EXPECT_EQ(result.history.size(), 6U);
}

TEST(CnnTrainer, InputScaleIsPartOfTheWeightsThatComeBack) {
  // The same network trained on pictures that were scaled before.
  const Rows rows;
  ExampleSet scaled;
  scaled.classes = rows.examples.classes;
  scaled.feature_count = rows.examples.feature_count;
  scaled.flows.resize(1);
  for (size_t i = 0; i < rows.examples.size(); ++i) {
    SparseWindow window(rows.examples.row(i).begin(), rows.examples.row(i).end());
    for (SparseValue& value : window) {
      value.value *= 0.125F;
    }
    scaled.add(rows.examples.info(i), window);
  }
  CnnTrainingOptions options = small_options();
  options.max_epochs = 3;
  options.start = initial_parameters(options.shape, CnnInit::he, 3);
  const CnnTraining before = train_cnn(scaled, rows.train, rows.validation, options);
  for (float& weight : options.start->convs[0].weights) {
    weight *= 0.125F;
  }
  options.input_scale = 0.125;
  const CnnTraining inside = train_cnn(rows.examples, rows.train, rows.validation, options);
  EXPECT_EQ(inside.history.back().validation_loss, before.history.back().validation_loss);
  EXPECT_EQ(cnn_probabilities(options.shape, inside.parameters, rows.examples, rows.validation),
            cnn_probabilities(options.shape, before.parameters, scaled, rows.validation));
}

TEST(CnnTrainer, TheEngineGivesTheSameProbabilities) {
  const Rows rows;
  const CnnTrainingOptions options = small_options();
  const CnnTraining result = train_cnn(rows.examples, rows.train, rows.validation, options);
  const std::unique_ptr<const Engine> engine =
      build_engine(to_network_plan(options.shape, result.parameters), default_kernels());
  const std::unique_ptr<EngineScratch> scratch = engine->make_scratch();
  const std::vector<float> ours =
      cnn_probabilities(options.shape, result.parameters, rows.examples, rows.validation);
  for (size_t i = 0; i < rows.validation.size(); ++i) {
    const std::span<const float> theirs =
        engine->run(*scratch, rows.examples.row(rows.validation[i]));
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(ours[i * 3 + c], theirs[c], 1e-5);
    }
  }
}

TEST(CnnTrainer, TemperatureFlattensProbabilities) {
  const Rows rows;
  const CnnShape shape = small_options().shape;
  CnnParameters parameters = initial_parameters(shape, CnnInit::he, 1);
  const std::vector<float> sharp =
      cnn_probabilities(shape, parameters, rows.examples, rows.validation);
  fold_temperature(parameters, 2);
  const std::vector<float> flat =
      cnn_probabilities(shape, parameters, rows.examples, rows.validation);
  for (size_t i = 0; i < sharp.size(); i += 3) {
    EXPECT_NEAR(std::log(flat[i] / flat[i + 1]), std::log(sharp[i] / sharp[i + 1]) / 2, 1e-4);
  }
  EXPECT_THROW(fold_temperature(parameters, 0), Error);
}

TEST(CnnTrainer, RefusesWhatCannotBeTrained) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  const auto train = [&] { train_cnn(rows.examples, rows.train, rows.validation, options); };
  options.shape.width = 21;
  EXPECT_THAT(message_of(train), HasSubstr("examples of 480 values"));
  options = small_options();
  options.shape.classes = 4;
  EXPECT_THAT(message_of(train), HasSubstr("class 3 has no training rows"));
  options.shape.classes = 2;
  EXPECT_THAT(message_of(train), HasSubstr("the network has 2"));
  options = small_options();
  options.shape.convs[1].kernel = 40;
  EXPECT_THAT(message_of(train), HasSubstr("convolution 2: the picture before it is too small"));
  options = small_options();
  options.batch = 0;
  EXPECT_THAT(message_of(train), HasSubstr("batch of 0, must be 1 to"));
  options = small_options();
  options.shape.hidden[0].dropout = 1;
  EXPECT_THAT(message_of(train), HasSubstr("dropout behind a dense layer 1, must be"));
  options = small_options();
  options.start = CnnParameters::zeros(options.shape);
  options.start->dense[0].bias[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message_of(train), HasSubstr("dense layer 1: a weight is nan"));
  options = small_options();
  options.patience = 2;
  EXPECT_THAT(message_of([&] { train_cnn(rows.examples, rows.train, {}, options); }),
              HasSubstr("there are no validation rows"));
  options = small_options();
  options.learning_rate = 1e30;
  EXPECT_THAT(message_of(train), HasSubstr("try a smaller learning rate"));
}

}  // namespace
}  // namespace flowmark
