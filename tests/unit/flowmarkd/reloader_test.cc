#include "daemon/flowmarkd/reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReloaderTest : public ::testing::Test {
 protected:
  ReloaderTest() {
    testing::write_constant_model(model_, 0);
    configure("");
  }

  void configure(const std::string& more) {
    std::ofstream(config_)
        << "ports: [{name: net_null0, role: lan}, {name: net_null1, role: wan}]\n"
           "models: [{name: category, path: m.onnx}]\n"
        << more;
  }

  Reloader& reloader() {
    if (!reloader_) reloader_ = std::make_unique<Reloader>(load_settings(config_), 1);
    return *reloader_;
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path model_ = folder_.path() / "m.onnx";
  std::filesystem::path config_ = folder_.path() / "flowmark.yaml";
  std::unique_ptr<Reloader> reloader_;
};

TEST_F(ReloaderTest, LoadsAtStart) {
  EXPECT_EQ(reloader().first_report().outcome, ReloadOutcome::loaded);
  ASSERT_EQ(reloader().current()->models().size(), 1u);
  EXPECT_EQ(reloader().current()->models()[0].class_dscp,
            (std::vector<std::optional<Dscp>>{46, 26}));
}

TEST_F(ReloaderTest, StartsWithoutModelsWhenTheirFileIsBad) {
  std::ofstream(model_) << "damaged";
  EXPECT_EQ(reloader().first_report().outcome, ReloadOutcome::refused);
  EXPECT_THAT(reloader().first_report().message, HasSubstr("m.onnx"));
  EXPECT_THAT(reloader().current()->models(), IsEmpty());
  testing::write_constant_model(model_, 0);
  EXPECT_EQ(reloader().reload_models().outcome, ReloadOutcome::loaded);
  EXPECT_THAT(reloader().last_refusal(), IsEmpty());
}

TEST_F(ReloaderTest, TheSameFileChangesNothing) {
  const auto before = reloader().current();
  EXPECT_EQ(reloader().reload_models().outcome, ReloadOutcome::unchanged);
  EXPECT_EQ(reloader().current(), before);
}

TEST_F(ReloaderTest, AChangedFileIsTakenOver) {
  const std::string before = reloader().current()->models()[0].model->sha256;
  testing::write_constant_model(model_, 1);
  const ReloadReport report = reloader().reload_models();
  EXPECT_EQ(report.outcome, ReloadOutcome::loaded);
  EXPECT_NE(reloader().current()->models()[0].model->sha256, before);
  EXPECT_EQ(report.generation, reloader().current()->generation());
}

TEST_F(ReloaderTest, SaysWhenAModelDoesNotRunWithThePrecisionAskedFor) {
  std::ofstream(config_) << "ports: [{name: net_null0, role: lan}, {name: net_null1, role: wan}]\n"
                            "models: [{name: category, path: m.onnx, precision: bf16}]\n";
  const ReloadReport& report = reloader().first_report();
  EXPECT_EQ(report.outcome, ReloadOutcome::loaded);
  EXPECT_THAT(report.message, HasSubstr("models[0].precision: category runs in exact float"));
}

TEST_F(ReloaderTest, ADamagedFileIsRefusedAndTheModelStays) {
  const auto before = reloader().current();
  std::ofstream(model_) << "damaged";
  const ReloadReport report = reloader().reload_models();
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_THAT(report.message, HasSubstr("m.onnx"));
  EXPECT_EQ(reloader().current(), before);
  EXPECT_EQ(reloader().count(ReloadOutcome::refused), 1u);
  EXPECT_EQ(reloader().last_refusal(), report.message);
}

TEST_F(ReloaderTest, ABadConfigurationIsRefusedAndTheModelStays) {
  const auto before = reloader().current();
  configure("workers: many\n");
  const ReloadReport report = reloader().reload_settings();
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_THAT(report.message, HasSubstr(":3: workers: value many"));
  EXPECT_EQ(reloader().current(), before);
}

TEST_F(ReloaderTest, MarksChangeLiveAndTheRestIsNamed) {
  reloader();
  configure("marking: {classes: {voip: CS5}}\nworkers: 2\n");
  const ReloadReport report = reloader().reload_settings();
  EXPECT_EQ(report.outcome, ReloadOutcome::loaded);
  EXPECT_THAT(report.needs_restart, ElementsAre("workers"));
  EXPECT_EQ(reloader().current()->models()[0].class_dscp[0], Dscp{40});
}

TEST_F(ReloaderTest, AnUnchangedFileKeepsItsModelObject) {
  const auto before = reloader().current()->models()[0].model;
  configure("marking: {classes: {voip: CS5}}\n");
  reloader().reload_settings();
  EXPECT_EQ(reloader().current()->models()[0].model, before);
}

TEST_F(ReloaderTest, RollsBackAndForthAgain) {
  reloader();
  const std::string first = reloader().current()->models()[0].model->sha256;
  testing::write_constant_model(model_, 1);
  reloader().reload_models();
  const std::string second = reloader().current()->models()[0].model->sha256;
  EXPECT_EQ(reloader().rollback().outcome, ReloadOutcome::rolled_back);
  EXPECT_EQ(reloader().current()->models()[0].model->sha256, first);
  reloader().rollback();
  EXPECT_EQ(reloader().current()->models()[0].model->sha256, second);
}

TEST_F(ReloaderTest, ConditionsOnUnknownClassesAreRefused) {
  reloader();
  std::ofstream(config_)
      << "ports: [{name: a, role: lan}, {name: b, role: wan}]\n"
         "models:\n- {name: category, path: m.onnx}\n"
         "- {name: two, path: m.onnx, when: {model: category, classes: [tor]}}\n";
  const ReloadReport report = reloader().reload_settings();
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_THAT(report.message, HasSubstr("value tor: model category"));
}

TEST_F(ReloaderTest, NamesOfOldGenerationsAreStillKnown) {
  const uint64_t old = reloader().current()->generation();
  testing::write_constant_model(model_, 0, {"chat", "p2p"});
  reloader().reload_models();
  EXPECT_EQ(reloader().names(old).class_name(0, 0), "voip");
  EXPECT_EQ(reloader().names(old + 1).class_name(0, 1), "p2p");
  EXPECT_EQ(reloader().names(old).class_name(0, kNoClass), "-");
  EXPECT_EQ(reloader().names(99).class_name(0, 0), "?");
}

}  // namespace
}  // namespace flowmark
