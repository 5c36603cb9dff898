// Every kind of model: trained, written, read back, the same answers; and what is refused.
#include "learn/learners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "feature/flowpic/flowpic.h"
#include "feature/histogram/histogram.h"
#include "learn/cnn/trainer.h"
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

/// Small trainings.
Learners small() {
  Learners learners;
  learners.set("trees", "30");
  learners.set("epochs", "12");
  learners.set("batch", "16");
  return learners;
}

LearnerOptions quiet() {
  LearnerOptions options;
  options.show_progress = false;
  return options;
}

TEST(Learner, TheFileAnswersAsTrained) {
  const ForestData data = reference_data("counts");
  for (const char* type : {"logistic", "naive-bayes", "gaussian-nb", "forest"}) {
    for (const bool validated : {false, true}) {
      Learners learners = small();
      if (!validated) learners.set("smoothing", "0.01");
      const auto learner = learners.make(type, quiet(), histogram_60());
      learner->learn(
          data.examples, data.train,
          validated ? std::span<const uint32_t>(data.test) : std::span<const uint32_t>());
      expect_file_answers_alike(*learner, data, histogram_60(), false, type);
      EXPECT_FALSE(learner->report().empty());
      EXPECT_GT(balanced_accuracy(data.examples, data.test,
                                  learner->probabilities(data.examples, data.test)),
                0.5)
          << type;
    }
  }
}

TEST(Learner, CnnLearnsAndItsFileAnswersAsTrained) {
  const ForestData data = stripes(180, 3, 1);
  const auto learner = small().make("cnn", quiet(), picture_32());
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
  const auto learner = small().make("forest", quiet(), histogram_60());
  learner->learn(data.examples, data.train, {});
  expect_file_answers_alike(*learner, data, histogram_60(), true, "multilabel");
  EXPECT_THAT(learner->report(), HasSubstr("Hamming loss"));
  EXPECT_THAT(learner->report(), HasSubstr("each label's probabilities scaled"));
  for (const char* type : {"logistic", "naive-bayes", "gaussian-nb"}) {
    const auto other = small().make(type, quiet(), histogram_60());
    EXPECT_THAT([&] { other->learn(data.examples, data.train, {}); },
                ThrowsMessage<Error>(HasSubstr("does not learn them")));
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
  for (const char* type : {"naive-bayes", "gaussian-nb", "forest"}) {
    LearnerOptions options = quiet();
    const auto calibrated = small().make(type, options, histogram_60());
    calibrated->learn(data.examples, data.train, validation);
    options.calibrate = false;
    const auto raw = small().make(type, options, histogram_60());
    raw->learn(data.examples, data.train, validation);
    EXPECT_LT(loss_of(*calibrated, data), loss_of(*raw, data)) << type;
  }
}

TEST(Learner, StopsWithTheBestSoFar) {
  const ForestData data = stripes(180, 3, 2);
  std::atomic<bool> stop = false;
  Learners learners = small();
  learners.set("epochs", "1000");
  learners.set("patience", "0");
  LearnerOptions options = quiet();
  options.stop = &stop;
  uint32_t epochs = 0;
  options.on_line = [&](const std::string&) { stop = ++epochs == 3; };
  const auto learner = learners.make("cnn", options, picture_32());
  learner->learn(data.examples, data.train, data.test);
  EXPECT_TRUE(learner->interrupted());
  EXPECT_EQ(learner->trials().size(), 3U);
  expect_file_answers_alike(*learner, data, picture_32(), false, "stopped");

  stop = true;
  learners.set("trees", "1000");
  const auto forest = learners.make("forest", options, picture_32());
  forest->learn(data.examples, data.train, data.test);
  EXPECT_TRUE(forest->interrupted());
  expect_file_answers_alike(*forest, data, picture_32(), false, "stopped_forest");
}

TEST(Learner, RefusesWhatCannotBeLearnt) {
  for (const std::string& name : small().names()) {
    const LearnerKind kind = small().kind(name, "--model-type");
    EXPECT_EQ(kind.name, name);
    const FeatureSpec spec = kind.pictures ? picture_32() : histogram_60();
    const auto learner = small().make(name, quiet(), spec);
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
  EXPECT_THAT([] { small().make("cnn", quiet(), histogram_60()); },
              ThrowsMessage<Error>(HasSubstr("must be flowpic, not size_iat")));
  const auto numbers = FeatureSpec::from_json(R"({"kind":"flow_numbers"})", "test");
  EXPECT_THAT([&] { small().make("naive-bayes", quiet(), numbers); },
              ThrowsMessage<Error>(HasSubstr("must not be flow_numbers")));
  EXPECT_THAT([] { small().kind("svm", "--model-type"); },
              ThrowsMessage<Error>(HasSubstr("--model-type: svm: must be logistic")));
}

TEST(Learners, EveryOptionIsSetAndReadBackByName) {
  Learners learners;
  for (const auto& family : learners.families()) {
    for (const LearnerOption& option : family->options()) {
      const std::string before = learners.get(option.name);
      std::string other = "3";
      if (std::holds_alternative<bool*>(option.value)) other = before == "yes" ? "no" : "yes";
      if (const auto* word = std::get_if<LearnerWord>(&option.value)) {
        other = word->allowed.back();
      }
      const Learners copy = learners;
      learners.set(option.name, other);
      EXPECT_EQ(learners.get(option.name), other);
      EXPECT_EQ(copy.get(option.name), before) << "a copy has options of its own";
    }
  }
}

TEST(Learners, AsPublishedSetsWhatFlowPicsAuthorsDid) {
  Learners learners;
  learners.set("judge", "last");
  learners.set("as-published", "yes");
  for (const auto& [name, value] : {std::pair{"batch", "128"},
                                    {"dropout-place", "unpooled"},
                                    {"init", "glorot"},
                                    {"adam-epsilon", "1e-07"},
                                    {"epochs", "40"},
                                    {"patience", "0"},
                                    {"judge", "accuracy"},
                                    {"schedule", "constant"},
                                    {"weight-decay", "0"},
                                    {"as-published", "yes"}}) {
    EXPECT_EQ(learners.get(name), value) << name;
  }
  learners.set("epochs", "8");  // a later word counts
  EXPECT_EQ(learners.get("epochs"), "8");
  EXPECT_EQ(learners.get("as-published"), "yes");
}

TEST(Learner, CnnAsPublishedRunsAllEpochsAndItsFileAnswersAsTrained) {
  const ForestData data = stripes(180, 3, 1);
  Learners learners;
  learners.set("as-published", "yes");
  learners.set("batch", "16");
  const auto learner = learners.make("cnn", quiet(), picture_32());
  learner->learn(data.examples, data.train, data.test);
  expect_file_answers_alike(*learner, data, picture_32(), false, "as_published");
  EXPECT_EQ(learner->trials().size(), 40U);
  EXPECT_GT(
      balanced_accuracy(data.examples, data.test, learner->probabilities(data.examples, data.test)),
      0.9);
}

TEST(Learner, CnnStartsFromTheWeightsAskedFor) {
  const ForestData data = stripes(60, 3, 1);
  for (const auto& [name, init] :
       {std::pair{"pytorch", CnnInit::pytorch}, {"he", CnnInit::he}, {"glorot", CnnInit::glorot}}) {
    Learners learners = small();
    learners.set("epochs", "1");
    learners.set("learning-rate", "1e-12");  // what comes back is what it started from
    learners.set("init", name);
    LearnerOptions options = quiet();
    options.calibrate = false;
    const auto learner = learners.make("cnn", options, picture_32());
    learner->learn(data.examples, data.train, data.test);
    const CnnShape shape = CnnShape::lenet(32, 32, 3);
    const std::vector<float> expected = cnn_probabilities(
        shape, initial_parameters(shape, init, options.seed), data.examples, data.test);
    const std::vector<float> found = learner->probabilities(data.examples, data.test);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << name;
  }
}

TEST(Learner, CnnsOptionsReachItsTraining) {
  const ForestData data = stripes(60, 3, 1);
  const auto answers = [&](const std::string& option, const std::string& value) {
    Learners learners = small();
    learners.set("epochs", "2");
    if (!option.empty()) learners.set(option, value);
    const auto learner = learners.make("cnn", quiet(), picture_32());
    learner->learn(data.examples, data.train, data.test);
    return learner->probabilities(data.examples, data.test);
  };
  const std::vector<float> plain = answers("", "");
  EXPECT_EQ(answers("dropout-place", "pooled"), plain);
  EXPECT_NE(answers("dropout-place", "unpooled"), plain);
  EXPECT_NE(answers("adam-epsilon", "1e-3"), plain);
}

TEST(Learners, ACnnsChangesNameWhatMakesAnotherTraining) {
  const auto changes = [](const std::string& option, const std::string& value) {
    Learners learners;
    learners.set(option, value);
    return learners.family("cnn").changes();
  };
  EXPECT_EQ(changes("init", "pytorch"), "");
  EXPECT_EQ(changes("judge", "last"), " 128 0.001 0 0 2");  // results are kept by this text
  for (const auto& [name, value] : {std::pair{"init", "glorot"},
                                    {"dropout-place", "unpooled"},
                                    {"adam-epsilon", "1e-7"},
                                    {"as-published", "yes"}}) {
    EXPECT_NE(changes(name, value), "") << name;
  }
}

TEST(Learners, RefuseWhatIsNoOptionOrNoValue) {
  Learners learners;
  EXPECT_THAT([&] { learners.set("depth", "1"); },
              ThrowsMessage<Error>(HasSubstr("depth: no learner has such an option")));
  EXPECT_THAT([&] { learners.set("trees", "many"); },
              ThrowsMessage<Error>(HasSubstr("trees many: must be a number")));
  EXPECT_THAT([&] { learners.set("extra-trees", "1"); },
              ThrowsMessage<Error>(HasSubstr("must be yes or no")));
  EXPECT_THAT([&] { learners.set("schedule", "linear"); },
              ThrowsMessage<Error>(HasSubstr("must be one of constant, cosine")));
}

}  // namespace
}  // namespace flowmark
