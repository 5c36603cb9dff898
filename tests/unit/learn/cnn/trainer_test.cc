#include "learn/cnn/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "kernel/kernels.h"
#include "model/engine/build_engine.h"
#include "unit/learn/cnn/reference.h"

namespace flowmark {
namespace {

using testing::HasSubstr;

/// Pictures whose class is the third of the rows that most pixels are in, with some noise.
struct Rows {
  explicit Rows(uint32_t height = 24, uint32_t width = 20, uint32_t count = 120) {
    examples.classes = {"low", "middle", "high"};
    examples.feature_count = height * width;
    examples.flows.resize(1);
    for (uint32_t i = 0; i < count; ++i) {
      const KeyedRandom random(i);
      ExampleInfo info;
      info.class_index = i % 3;
      SparseWindow window;
      for (uint32_t place = 0; place < height * width; ++place) {
        const bool home = place / width * 3 / height == info.class_index;
        if (random.uniform(place) < (home ? 0.1 : 0.02)) {
          window.push_back({place, 1});
        }
      }
      examples.add(info, window);
      (i % 4 == 3 ? validation : train).push_back(i);
    }
  }

  ExampleSet examples;
  std::vector<uint32_t> train;
  std::vector<uint32_t> validation;
};

CnnTrainingOptions small_options() {
  CnnTrainingOptions options;
  options.shape = {
      24,          20, {{4, 4, 2, 1, 1, 2}, {6, 3, 1, 1, 1, 2}}, 0.25, CnnDropoutPlace::pooled,
      {{12, 0.5}}, 3};
  options.batch = 16;
  options.max_epochs = 6;
  options.learning_rate = 3e-3;
  return options;
}

void expect_same(const CnnParameters& a, const CnnParameters& b) {
  ASSERT_EQ(a.convs.size(), b.convs.size());
  ASSERT_EQ(a.dense.size(), b.dense.size());
  for (size_t l = 0; l < a.convs.size(); ++l) {
    EXPECT_EQ(a.convs[l].weights, b.convs[l].weights) << "convolution " << l;
    EXPECT_EQ(a.convs[l].bias, b.convs[l].bias) << "convolution " << l;
  }
  for (size_t l = 0; l < a.dense.size(); ++l) {
    EXPECT_EQ(a.dense[l].weights, b.dense[l].weights) << "dense " << l;
    EXPECT_EQ(a.dense[l].bias, b.dense[l].bias) << "dense " << l;
  }
}

/// A file that is gone afterwards.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(std::filesystem::path(testing::TempDir()) / (name + std::to_string(::getpid()))) {
    std::filesystem::remove(path_);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <typename Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

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

TEST(CnnTrainer, GoesOnFromItsStateAsIfNeverInterrupted) {
  const Rows rows;
  CnnTrainingOptions options = small_options();
  options.patience = 4;
  const CnnTraining whole = train_cnn(rows.examples, rows.train, rows.validation, options);

  const TemporaryFile state("cnn_state");
  options.state = state.path();
  CnnTrainingHooks stop_after_two;
  stop_after_two.on_epoch = [](const CnnEpoch& epoch, const CnnParameters*) {
    return epoch.epoch < 2;
  };
  const CnnTraining part =
      train_cnn(rows.examples, rows.train, rows.validation, options, stop_after_two);
  EXPECT_TRUE(part.interrupted);
  EXPECT_EQ(part.history.size(), 2U);
  // Stopped in the middle of an epoch, whose work is lost.
  std::atomic<bool> stop = false;
  options.stop = &stop;
  CnnTrainingHooks stop_at_batch;
  stop_at_batch.on_batch = [&](size_t done, size_t) { stop = done == 3; };
  const CnnTraining none =
      train_cnn(rows.examples, rows.train, rows.validation, options, stop_at_batch);
  EXPECT_TRUE(none.interrupted);
  expect_same(none.parameters, part.parameters);
  stop = false;
  const CnnTraining rest = train_cnn(rows.examples, rows.train, rows.validation, options);
  EXPECT_FALSE(rest.interrupted);
  EXPECT_EQ(rest.best_epoch, whole.best_epoch);
  ASSERT_EQ(rest.history.size(), whole.history.size());
  EXPECT_EQ(rest.history.back().validation_loss, whole.history.back().validation_loss);
  expect_same(rest.parameters, whole.parameters);
}

TEST(CnnTrainer, RefusesAStateThatIsNotItsOwnOrDamaged) {
  const Rows rows;
  const TemporaryFile state("cnn_state");
  CnnTrainingOptions options = small_options();
  options.max_epochs = 1;
  options.state = state.path();
  train_cnn(rows.examples, rows.train, rows.validation, options);
  const auto train = [&] { train_cnn(rows.examples, rows.train, rows.validation, options); };
  options.seed = 9;
  EXPECT_THAT(message_of(train), HasSubstr("with other data or options"));
  options.seed = 1;
  std::vector<char> bytes;
  {
    std::ifstream stream(state.path(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(stream), {});
  }
  const auto write = [&](const std::vector<char>& content) {
    std::ofstream stream(state.path(), std::ios::binary | std::ios::trunc);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  };
  std::vector<char> flipped = bytes;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  write(flipped);
  EXPECT_THAT(message_of(train), HasSubstr("is damaged"));
  write({bytes.begin(), bytes.begin() + 100});
  EXPECT_THAT(message_of(train), HasSubstr("is damaged"));
  write({bytes.begin(), bytes.begin() + 5});
  EXPECT_THAT(message_of(train), HasSubstr("cut off"));
  write(std::vector<char>(200, 'x'));
  EXPECT_THAT(message_of(train), HasSubstr("not a training state"));
  write(bytes);
  EXPECT_EQ(message_of(train), "(no error)");
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
