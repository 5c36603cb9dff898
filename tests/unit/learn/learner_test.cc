// Every kind of model: trained, written, read back, the same answers; and what is refused.
#include "learn/learner.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "model/model.h"
#include "unit/learn/forest/data.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// 60 histogram bins, as reference_data("counts").
FeatureSpec histogram_60() {
  HistogramSpec spec{.kind = HistogramKind::size_iat};
  spec.size.bins = 3;
  spec.iat_us.bins = 10;
  return histogram(spec);
}

FeatureSpec picture_32() {
  return flowpic({60 * kUsPerSecond, 32, 32, 1500});
}

/// Pictures whose class shows as a bright stripe among noise.
ForestData stripes(uint32_t rows, uint32_t classes, uint64_t seed) {
  ForestData data = empty_forest_data(32 * 32, classes);
  std::mt19937_64 dice(seed);
  for (uint32_t i = 0; i < rows; ++i) {
    const uint64_t label = i % classes;
    std::map<uint32_t, float> pixels;
    for (int p = 0; p < 12; ++p) pixels[static_cast<uint32_t>(dice() % 1024)] = 1;
    for (int p = 0; p < 10; ++p) {
      pixels[static_cast<uint32_t>((4 + 9 * label) * 32 + dice() % 32)] = 2;
    }
    SparseWindow window;
    for (const auto& [index, value] : pixels) window.push_back({index, value});
    data.add(window, label, i < rows * 2 / 3);
  }
  return data;
}

class TemporaryModel {
 public:
  explicit TemporaryModel(const std::string& name)
      : path_(std::filesystem::path(testing::TempDir()) / ("learner_test_" + name + ".onnx")) {}
  ~TemporaryModel() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void expect_file_answers_alike(const Learner& learner, const ForestData& data,
                               const FeatureSpec& spec, bool multilabel, const std::string& name) {
  ModelDescription description;
  description.task = "test";
  description.input = spec;
  description.classes = data.examples.classes;
  description.multilabel = multilabel;
  const TemporaryModel file(name);
  learner.write(file.path(), description);
  const auto model = load_model(file.path());
  const auto scratch = model->engine->make_scratch();
  const std::vector<float> expected = learner.probabilities(data.examples, data.test);
  const size_t classes = data.examples.classes.size();
  for (size_t i = 0; i < data.test.size(); ++i) {
    const auto got = model->engine->run(*scratch, data.examples.row(data.test[i]));
    for (size_t c = 0; c < classes; ++c) {
      ASSERT_NEAR(got[c], expected[i * classes + c], 1e-5) << name << ", row " << i;
    }
  }
}

LearnerOptions options_of(LearnerType type) {
  LearnerOptions options;
  options.type = type;
  options.forest.trees = 30;
  options.cnn.max_epochs = 12;
  options.cnn.batch = 16;
  options.show_progress = false;
  return options;
}

TEST(Learner, TheFileAnswersAsTrained) {
  const ForestData data = reference_data("counts");
  for (const LearnerType type : {LearnerType::logistic, LearnerType::naive_bayes,
                                 LearnerType::gaussian_nb, LearnerType::forest}) {
    for (const bool validated : {false, true}) {
      LearnerOptions options = options_of(type);
      if (!validated && type == LearnerType::gaussian_nb) options.strengths = {1e-2};
      const auto learner = make_learner(options, histogram_60());
      learner->learn(
          data.examples, data.train,
          validated ? std::span<const uint32_t>(data.test) : std::span<const uint32_t>());
      expect_file_answers_alike(*learner, data, histogram_60(), false, to_string(type));
      EXPECT_FALSE(learner->report().empty());
      EXPECT_GT(balanced_accuracy(data.examples, data.test,
                                  learner->probabilities(data.examples, data.test)),
                0.5)
          << to_string(type);
    }
  }
}

TEST(Learner, CnnLearnsAndItsFileAnswersAsTrained) {
  const ForestData data = stripes(180, 3, 1);
  const auto learner = make_learner(options_of(LearnerType::cnn), picture_32());
  learner->learn(data.examples, data.train, data.test);
  expect_file_answers_alike(*learner, data, picture_32(), false, "cnn");
  EXPECT_GT(
      balanced_accuracy(data.examples, data.test, learner->probabilities(data.examples, data.test)),
      0.9);
  EXPECT_EQ(learner->trials().size(), 12U);
}

TEST(Learner, ForestLearnsSetsOfLabels) {
  ForestData data = reference_data("mixed");
  ExampleSet examples;
  examples.feature_count = data.examples.feature_count;
  examples.classes = data.examples.classes;
  examples.flows = data.examples.flows;
  examples.multilabel = true;
  for (size_t row = 0; row < data.examples.size(); ++row) {
    ExampleInfo info;
    info.label_set = data.labels[row];
    examples.add(info, data.examples.row(row));
  }
  data.examples = examples;
  const auto learner = make_learner(options_of(LearnerType::forest), histogram_60());
  learner->learn(data.examples, data.train, {});
  expect_file_answers_alike(*learner, data, histogram_60(), true, "multilabel");
  EXPECT_THAT(learner->report(), HasSubstr("Hamming loss"));
  EXPECT_THAT(learner->report(), HasSubstr("each label's probabilities scaled"));
  for (const LearnerType type :
       {LearnerType::logistic, LearnerType::naive_bayes, LearnerType::gaussian_nb}) {
    const auto other = make_learner(options_of(type), histogram_60());
    EXPECT_THAT([&] { other->learn(data.examples, data.train, {}); },
                ThrowsMessage<Error>(HasSubstr("only a forest learns them")));
  }
}

/// Mean cross entropy of the test rows.
double loss_of(const Learner& learner, const ForestData& data) {
  const std::vector<float> answers = learner.probabilities(data.examples, data.test);
  const size_t classes = data.examples.classes.size();
  double loss = 0;
  for (size_t i = 0; i < data.test.size(); ++i) {
    const float p = answers[i * classes + data.examples.info(data.test[i]).class_index];
    loss -= std::log(std::max(p, 1e-3F)) / static_cast<double>(data.test.size());
  }
  return loss;
}

TEST(Learner, CalibrationMakesProbabilitiesTruer) {
  ForestData data = random_counts(900, 60, 3, 5);
  data.test.assign(data.train.begin() + 600, data.train.end());
  const std::vector<uint32_t> validation(data.train.begin() + 300, data.train.begin() + 600);
  data.train.resize(300);
  for (const LearnerType type :
       {LearnerType::naive_bayes, LearnerType::gaussian_nb, LearnerType::forest}) {
    LearnerOptions options = options_of(type);
    const auto calibrated = make_learner(options, histogram_60());
    calibrated->learn(data.examples, data.train, validation);
    options.calibrate = false;
    const auto raw = make_learner(options, histogram_60());
    raw->learn(data.examples, data.train, validation);
    EXPECT_LT(loss_of(*calibrated, data), loss_of(*raw, data)) << to_string(type);
  }
}

TEST(Learner, StopsWithTheBestSoFar) {
  const ForestData data = stripes(180, 3, 2);
  std::atomic<bool> stop = false;
  LearnerOptions options = options_of(LearnerType::cnn);
  options.cnn.max_epochs = 1000;
  options.stop = &stop;
  uint32_t epochs = 0;
  options.on_line = [&](const std::string&) { stop = ++epochs == 3; };
  const auto learner = make_learner(options, picture_32());
  learner->learn(data.examples, data.train, data.test);
  EXPECT_TRUE(learner->interrupted());
  EXPECT_EQ(learner->trials().size(), 3U);
  expect_file_answers_alike(*learner, data, picture_32(), false, "stopped");

  stop = true;
  options.type = LearnerType::forest;
  options.forest.trees = 1000;
  const auto forest = make_learner(options, picture_32());
  forest->learn(data.examples, data.train, data.test);
  EXPECT_TRUE(forest->interrupted());
  expect_file_answers_alike(*forest, data, picture_32(), false, "stopped_forest");
}

TEST(Learner, RefusesWhatCannotBeLearnt) {
  for (const std::string& name : learner_type_names()) {
    const LearnerType type = parse_learner_type(name, "--model-type");
    EXPECT_EQ(to_string(type), name);
    const FeatureSpec spec = type == LearnerType::cnn ? picture_32() : histogram_60();
    const auto learner = make_learner(options_of(type), spec);
    ForestData one = empty_forest_data(spec.length(), 1);
    one.add({{3, 1}}, 0);
    EXPECT_THAT([&] { learner->learn(one.examples, one.train, {}); },
                ThrowsMessage<Error>(HasSubstr("two classes or more")))
        << name;
    ForestData hole = empty_forest_data(spec.length(), 3);
    hole.add({{3, 1}}, 0);
    hole.add({{4, 1}}, 2);
    EXPECT_THAT([&] { learner->learn(hole.examples, hole.train, {}); },
                ThrowsMessage<Error>(HasSubstr("class 'b' is empty")))
        << name;
  }
  EXPECT_THAT([] { make_learner(options_of(LearnerType::cnn), histogram_60()); },
              ThrowsMessage<Error>(HasSubstr("must be flowpic, not size_iat")));
  EXPECT_THAT([] { parse_learner_type("svm", "--model-type"); },
              ThrowsMessage<Error>(HasSubstr("--model-type: svm: must be logistic")));
}

}  // namespace
}  // namespace flowmark
