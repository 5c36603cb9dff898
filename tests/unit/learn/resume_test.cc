// Trainings that are interrupted and gone on with: forests and logistic regression. The CNN's are
// in cnn/trainer_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "learn/forest/trainer.h"
#include "learn/linear/train_linear.h"
#include "learn/training_state.h"
#include "unit/learn/forest/data.h"
#include "unit/learn/forest/trained_bits.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class StateFile {
 public:
  explicit StateFile(const std::string& name)
      : path_(std::filesystem::path(testing::TempDir()) / ("resume_test_" + name + ".state")) {
    std::filesystem::remove(path_);
  }
  ~StateFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::vector<char> bytes() const {
    std::ifstream stream(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const std::vector<char>& content) const {
    std::ofstream stream(path_, std::ios::binary | std::ios::trunc);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  }

 private:
  std::filesystem::path path_;
};

ForestOptions twelve_trees(const StateFile& state) {
  ForestOptions options;
  options.trees = 12;
  options.threads = 2;
  options.state = state.path();
  return options;
}

TEST(ResumeForest, InterruptedAgainAndAgainItIsTheSameForest) {
  const ForestData data = random_counts(300, 40, 3, 1);
  const StateFile state("forest");
  ForestOptions options = twelve_trees(state);
  const std::string straight = bits(train_forest(data.examples, data.train, options));
  EXPECT_FALSE(std::filesystem::exists(state.path())) << "nothing was interrupted";

  int parts = 0;
  std::string resumed;
  size_t before = 0;
  while (before < options.trees && parts < 20) {
    uint32_t grown = 0;
    options.on_tree = [&](uint32_t) { return ++grown < 3; };
    const TrainedForest part = train_forest(data.examples, data.train, options);
    EXPECT_GT(part.forest.roots.size(), before) << "a part of at least three trees";
    before = part.forest.roots.size();
    resumed = bits(part);
    ++parts;
  }
  EXPECT_GT(parts, 2);
  EXPECT_TRUE(straight == resumed);
}

TEST(ResumeForest, MoreTreesMayBeAskedForThanBefore) {
  const ForestData data = random_counts(200, 30, 3, 2);
  const StateFile state("more");
  ForestOptions options = twelve_trees(state);
  options.trees = 4;
  options.on_tree = [](uint32_t) { return false; };
  train_forest(data.examples, data.train, options);
  options.trees = 9;
  uint32_t first_told = 0;
  options.on_tree = [&](uint32_t done) {
    first_told = first_told == 0 ? done : first_told;
    return true;
  };
  const std::string resumed = bits(train_forest(data.examples, data.train, options));
  EXPECT_GT(first_told, 1U) << "the trees of before count";
  options.state.clear();
  EXPECT_TRUE(resumed == bits(train_forest(data.examples, data.train, options)));
}

TEST(ResumeForest, SetsOfLabelsToo) {
  const ForestData data = reference_data("mixed");
  const StateFile state("labels");
  ForestOptions options = twelve_trees(state);
  const std::vector<uint64_t> sets = data.train_labels();
  const std::string straight = bits(train_forest(data.examples, data.train, sets, options));
  options.on_tree = [](uint32_t done) { return done < 5; };
  train_forest(data.examples, data.train, sets, options);
  options.on_tree = nullptr;
  EXPECT_TRUE(straight == bits(train_forest(data.examples, data.train, sets, options)));
}

TEST(ResumeForest, KeepsTheTreesFromTimeToTime) {
  const ForestData data = random_counts(200, 30, 3, 3);
  const StateFile state("times");
  ForestOptions options = twelve_trees(state);
  options.save_every_s = 0;
  train_forest(data.examples, data.train, options);
  options.trees = 13;
  uint32_t grown = 0;
  options.on_tree = [&](uint32_t) { return ++grown > 0; };
  train_forest(data.examples, data.train, options);
  EXPECT_EQ(grown, 1U) << "a process that was killed after twelve trees has one to grow";
}

TEST(ResumeForest, RefusesAStateThatIsNotItsOwnOrDamaged) {
  const ForestData data = random_counts(200, 30, 3, 4);
  const StateFile state("damaged");
  ForestOptions options = twelve_trees(state);
  options.on_tree = [](uint32_t) { return false; };
  train_forest(data.examples, data.train, options);
  const auto train = [&] { train_forest(data.examples, data.train, options); };
  options.min_leaf = 2;
  EXPECT_THAT(train, ThrowsMessage<Error>(HasSubstr("other data or options")));
  options.min_leaf = 1;
  const auto half = std::span(data.train).first(data.train.size() / 2);
  EXPECT_THAT([&] { train_forest(data.examples, half, options); },
              ThrowsMessage<Error>(HasSubstr("other data or options")));
  const std::vector<char> good = state.bytes();
  std::vector<char> flipped = good;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  state.write(flipped);
  EXPECT_THAT(train, ThrowsMessage<Error>(HasSubstr("is damaged")));
  state.write({good.begin(), good.begin() + 10});
  EXPECT_THAT(train, ThrowsMessage<Error>(HasSubstr("cut off")));
  state.write({});
  EXPECT_THAT(train, ThrowsMessage<Error>(HasSubstr("cut off")));
}

/// With a right checksum, but trees that would lead the training astray.
TEST(ResumeForest, RefusesTreesThatCannotBe) {
  const ForestData data = random_counts(200, 30, 3, 5);
  const StateFile state("trees");
  ForestOptions options = twelve_trees(state);
  options.on_tree = [](uint32_t) { return false; };
  train_forest(data.examples, data.train, options);
  const std::vector<char> good = state.bytes();
  uint64_t magic = 0;
  uint64_t digest = 0;
  std::memcpy(&magic, good.data(), 8);
  std::memcpy(&digest, good.data() + 8, 8);
  const auto with_node = [&](Forest::Node node) {
    StateWriter writer;
    writer.put(uint32_t{0});
    const std::vector<Forest::Node> nodes{node, {}, {}};
    writer.put_all(std::span<const Forest::Node>(nodes));
    writer.put_all(std::span<const float>());
    writer.put_all(std::span<const double>(std::vector<double>(30)));
    writer.put_all(std::span<const uint64_t>(std::vector<uint64_t>((data.train.size() + 63) / 64)));
    writer.put(Forest::kLeaf);
    write_state_file(state.path(), magic, digest, writer);
    train_forest(data.examples, data.train, options);
  };
  for (const Forest::Node& bad : {Forest::Node{30, 0, 1, 2}, Forest::Node{0, 0, 0, 2},
                                  Forest::Node{0, 0, 1, 3}, Forest::Node{Forest::kLeaf, 0, 3, 0}}) {
    EXPECT_THAT([&] { with_node(bad); }, ThrowsMessage<Error>(HasSubstr("a tree that cannot be")));
  }
  EXPECT_NO_THROW(with_node({0, 0, 1, 2}));
}

/// Every third example is for validation.
ForestData some_set_aside(uint32_t rows, uint32_t features, uint32_t classes, uint64_t seed) {
  ForestData data = random_counts(rows, features, classes, seed);
  std::vector<uint32_t> train;
  for (const uint32_t row : data.train) {
    (row % 3 == 2 ? data.test : train).push_back(row);
  }
  data.train = train;
  return data;
}

LinearTraining logistic(const StateFile& state) {
  LinearTraining options;
  options.strengths = {1e-2, 1e-3, 1e-4};
  options.show_progress = false;
  options.tolerance = 1e-9;
  options.state = state.path();
  return options;
}

void expect_same(const TrainedLinear& a, const TrainedLinear& b) {
  ASSERT_EQ(a.trials.size(), b.trials.size());
  EXPECT_EQ(a.chosen, b.chosen);
  for (size_t i = 0; i < a.trials.size(); ++i) {
    EXPECT_EQ(a.trials[i].strength, b.trials[i].strength);
    EXPECT_NEAR(a.trials[i].validation_loss, b.trials[i].validation_loss, 1e-6);
  }
  ASSERT_EQ(a.fit.weights.size(), b.fit.weights.size());
  for (size_t i = 0; i < a.fit.weights.size(); ++i) {
    ASSERT_NEAR(a.fit.weights[i], b.fit.weights[i], 1e-4);
  }
}

TEST(ResumeLogistic, GoesOnWithTheStrengthsThatAreLeft) {
  const ForestData data = some_set_aside(300, 40, 3, 6);
  const StateFile state("logistic");
  LinearTraining options = logistic(state);
  const TrainedLinear straight = train_linear(data.examples, data.train, data.test, options);
  EXPECT_FALSE(straight.interrupted);
  std::filesystem::remove(state.path());

  std::atomic<bool> stop = false;
  options.stop = &stop;
  options.on_line = [&](const std::string&) { stop = true; };
  const TrainedLinear part = train_linear(data.examples, data.train, data.test, options);
  EXPECT_TRUE(part.interrupted);
  EXPECT_EQ(part.trials.size(), 1U);
  stop = false;
  options.on_line = nullptr;
  expect_same(straight, train_linear(data.examples, data.train, data.test, options));
}

TEST(ResumeLogistic, GoesOnFromItsWeights) {
  const ForestData data = some_set_aside(300, 40, 3, 7);
  const StateFile state("weights");
  for (const bool refit : {false, true}) {
    std::filesystem::remove(state.path());
    LinearTraining options = logistic(state);
    options.refit = refit;
    std::atomic<bool> stop = true;  // every call comes one iteration further
    options.stop = &stop;
    options.strengths = {1e-3};
    TrainedLinear trained;
    uint32_t parts = 0;
    do {
      trained = train_linear(data.examples, data.train, data.test, options);
      EXPECT_EQ(trained.trials.size(), 1U);
      stop = ++parts < 5;
    } while (trained.interrupted);
    EXPECT_EQ(parts, 6U);
    EXPECT_GT(trained.trials[0].iterations, 5U) << "those of before count";
    options.stop = nullptr;
    options.state.clear();
    expect_same(train_linear(data.examples, data.train, data.test, options), trained);
  }
}

TEST(ResumeLogistic, RefusesAStateThatIsNotItsOwnOrDamaged) {
  const ForestData data = some_set_aside(200, 30, 3, 8);
  const StateFile state("linear_damaged");
  LinearTraining options = logistic(state);
  train_linear(data.examples, data.train, data.test, options);
  const auto train = [&] { train_linear(data.examples, data.train, data.test, options); };
  EXPECT_NO_THROW(train());
  options.balanced = !options.balanced;
  EXPECT_THAT(train, ThrowsMessage<Error>(HasSubstr("other data or options")));
  options.balanced = !options.balanced;
  const std::vector<char> good = state.bytes();
  state.write({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(good.size() / 2)});
  EXPECT_THAT(train, ThrowsMessage<Error>(HasSubstr("is damaged")));
  ForestOptions forest = twelve_trees(state);
  state.write(good);
  EXPECT_THAT([&] { train_forest(data.examples, data.train, forest); },
              ThrowsMessage<Error>(HasSubstr("not a training state of this kind")));
}

TEST(StateReader, NeverReadsBeyondTheFile) {
  StateWriter writer;
  writer.put(uint64_t{1} << 60);
  StateReader reader(writer.bytes(), "a.state");
  EXPECT_THAT([&] { reader.get_all<double>(); },
              ThrowsMessage<Error>(HasSubstr("longer than the file")));
  EXPECT_THAT([&] { reader.get<uint8_t>(); }, ThrowsMessage<Error>(HasSubstr("cut off")));
}

}  // namespace
}  // namespace flowmark
