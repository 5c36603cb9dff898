// Training that was interrupted goes on from its state.
#include <gmock/gmock.h>

#include <fstream>
#include <limits>

#include "unit/learn/cnn/training_rows.h"

namespace flowmark {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace flowmark
