#include "daemon/flowmarkd/reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
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
  /// Waits for the next request that finishes.
  Reloader::Finished finish() {
    pollfd wait{reloader().descriptor(), POLLIN, 0};
    for (;;) {
      poll(&wait, 1, -1);
      if (auto finished = reloader().finish()) return *finished;
    }
  }
  ReloadReport run(LoadKind kind) {
    const uint64_t number = reloader().request(kind);
    Reloader::Finished finished = finish();
    EXPECT_EQ(finished.number, number);
    return finished.report;
  }
  std::string running_sha256() { return reloader().current()->models()[0].model->sha256; }

  testing::TemporaryFolder folder_;
  std::filesystem::path model_ = folder_.path() / "m.onnx";
  std::filesystem::path config_ = folder_.path() / "flowmark.yaml";
  std::unique_ptr<Reloader> reloader_;
};

TEST_F(ReloaderTest, LoadsAtStart) {
  EXPECT_EQ(reloader().first_report().outcome, ReloadOutcome::loaded);
  ASSERT_EQ(reloader().current()->models().size(), 1u);
  EXPECT_EQ(reloader().current()->models()[0].class_dscp,
            (std::vector<MarkPair>{Dscp{46}, Dscp{26}}));
}

TEST_F(ReloaderTest, StartsWithoutModelsWhenTheirFileIsBad) {
  std::ofstream(model_) << "damaged";
  EXPECT_EQ(reloader().first_report().outcome, ReloadOutcome::refused);
  EXPECT_THAT(reloader().first_report().message, HasSubstr("m.onnx"));
  EXPECT_THAT(reloader().current()->models(), IsEmpty());
  testing::write_constant_model(model_, 0);
  EXPECT_EQ(run(LoadKind::models).outcome, ReloadOutcome::loaded);
  EXPECT_THAT(reloader().last_refusal(), IsEmpty());
}

TEST_F(ReloaderTest, TheSameFileChangesNothing) {
  const auto before = reloader().current();
  EXPECT_EQ(run(LoadKind::models).outcome, ReloadOutcome::unchanged);
  EXPECT_EQ(reloader().current(), before);
}

TEST_F(ReloaderTest, OtherPoliciesAreTakenOverAndTheModelsStay) {
  const auto before = reloader().current();
  configure("policies: [{name: mine, mark: false}, {classify: false}]\n");
  const ReloadReport report = run(LoadKind::settings);
  EXPECT_EQ(report.outcome, ReloadOutcome::loaded);
  EXPECT_THAT(report.needs_restart, IsEmpty());
  EXPECT_TRUE(reloader().current()->asks_as(*before));
  const ModelNames& names = reloader().names(report.generation);
  EXPECT_EQ(names.policy_name(0), "policies[0] mine");
  EXPECT_EQ(names.policy_name(1), "policies[1]");
  EXPECT_EQ(run(LoadKind::settings).outcome, ReloadOutcome::unchanged);
  EXPECT_EQ(run(LoadKind::rollback).outcome, ReloadOutcome::rolled_back);
  EXPECT_EQ(reloader().current()->policies(), nullptr);
}

TEST_F(ReloaderTest, PoliciesHoldWithoutModels) {
  std::ofstream(model_) << "damaged";
  configure("policies: [{name: mine, mark: false}]\n");
  ASSERT_NE(reloader().current()->policies(), nullptr);
  EXPECT_EQ(reloader().names(reloader().current()->generation()).policy_name(0),
            "policies[0] mine");
}

TEST_F(ReloaderTest, AChangedFileIsTakenOver) {
  const std::string before = reloader().current()->models()[0].model->sha256;
  testing::write_constant_model(model_, 1);
  const ReloadReport report = run(LoadKind::models);
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
  const ReloadReport report = run(LoadKind::models);
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_THAT(report.message, HasSubstr("m.onnx"));
  EXPECT_EQ(reloader().current(), before);
  EXPECT_EQ(reloader().count(ReloadOutcome::refused), 1u);
  EXPECT_EQ(reloader().last_refusal(), report.message);
}

TEST_F(ReloaderTest, ABadConfigurationIsRefusedAndTheModelStays) {
  const auto before = reloader().current();
  configure("workers: many\n");
  const ReloadReport report = run(LoadKind::settings);
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_THAT(report.message, HasSubstr(":3: workers: value many"));
  EXPECT_EQ(reloader().current(), before);
}

TEST_F(ReloaderTest, MarksChangeLiveAndTheRestIsNamed) {
  reloader();
  configure("marking: {classes: {voip: CS5}}\nworkers: 2\n");
  const ReloadReport report = run(LoadKind::settings);
  EXPECT_EQ(report.outcome, ReloadOutcome::loaded);
  EXPECT_THAT(report.needs_restart, ElementsAre("workers"));
  EXPECT_EQ(reloader().current()->models()[0].class_dscp[0], Dscp{40});
}

TEST_F(ReloaderTest, AnUnchangedFileKeepsItsModelObject) {
  const auto before = reloader().current()->models()[0].model;
  configure("marking: {classes: {voip: CS5}}\n");
  run(LoadKind::settings);
  EXPECT_EQ(reloader().current()->models()[0].model, before);
}

TEST_F(ReloaderTest, RollsBackAndForthAgain) {
  reloader();
  const std::string first = reloader().current()->models()[0].model->sha256;
  testing::write_constant_model(model_, 1);
  run(LoadKind::models);
  const std::string second = reloader().current()->models()[0].model->sha256;
  EXPECT_EQ(run(LoadKind::rollback).outcome, ReloadOutcome::rolled_back);
  EXPECT_EQ(reloader().current()->models()[0].model->sha256, first);
  run(LoadKind::rollback);
  EXPECT_EQ(reloader().current()->models()[0].model->sha256, second);
}

TEST_F(ReloaderTest, ARollbackLastsUntilAnotherFileIsThere) {
  reloader();
  const std::string good = running_sha256();
  testing::write_constant_model(model_, 1);
  run(LoadKind::models);
  const std::string bad = running_sha256();
  run(LoadKind::rollback);
  for (const LoadKind kind : {LoadKind::models, LoadKind::settings}) {
    const ReloadReport report = run(kind);
    EXPECT_EQ(report.outcome, ReloadOutcome::unchanged);
    EXPECT_THAT(report.message, HasSubstr("category stays: its file was rolled back"));
    EXPECT_EQ(running_sha256(), good);
  }
  configure("marking: {classes: {voip: CS5}}\n");
  EXPECT_EQ(run(LoadKind::settings).outcome, ReloadOutcome::loaded) << "the rest goes on";
  EXPECT_EQ(running_sha256(), good);
  EXPECT_EQ(reloader().current()->models()[0].class_dscp[0], Dscp{40});
  testing::write_constant_model(model_, 1, {"voip", "chat"});
  EXPECT_EQ(run(LoadKind::models).outcome, ReloadOutcome::loaded);
  testing::write_constant_model(model_, 1);
  EXPECT_EQ(run(LoadKind::models).outcome, ReloadOutcome::loaded) << "put there once more";
  EXPECT_EQ(running_sha256(), bad);
}

TEST_F(ReloaderTest, ASecondRollbackTakesTheFirstOneBackForGood) {
  reloader();
  testing::write_constant_model(model_, 1);
  run(LoadKind::models);
  const std::string second = running_sha256();
  run(LoadKind::rollback);
  run(LoadKind::rollback);
  run(LoadKind::models);
  EXPECT_EQ(running_sha256(), second);
}

TEST_F(ReloaderTest, ARolledBackChangeOfMarksStaysSo) {
  reloader();
  configure("marking: {classes: {voip: CS5}}\n");
  run(LoadKind::settings);
  run(LoadKind::rollback);
  EXPECT_EQ(run(LoadKind::settings).outcome, ReloadOutcome::unchanged);
  EXPECT_EQ(reloader().current()->models()[0].class_dscp[0], Dscp{46});
}

TEST_F(ReloaderTest, ThereIsNoWayBackBehindTheStart) {
  const ReloadReport report = run(LoadKind::rollback);
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_THAT(report.message, HasSubstr("no earlier model set"));
  EXPECT_EQ(reloader().current()->models().size(), 1u);
}

TEST_F(ReloaderTest, ThereIsNoWayBackToAStartWithoutModels) {
  std::ofstream(model_) << "damaged";
  reloader();
  testing::write_constant_model(model_, 0);
  run(LoadKind::models);
  EXPECT_EQ(run(LoadKind::rollback).outcome, ReloadOutcome::refused);
  EXPECT_EQ(reloader().current()->models().size(), 1u);
}

TEST_F(ReloaderTest, RequestsThatWaitAreJoinedAndOneUnderWayIsNot) {
  reloader();
  const uint64_t first = reloader().request(LoadKind::models);
  const uint64_t second = reloader().request(LoadKind::models);
  EXPECT_NE(first, second) << "the first may have read the files already";
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(reloader().request(LoadKind::settings), second);
    EXPECT_EQ(reloader().request(LoadKind::models), second);
  }
  const uint64_t third = reloader().request(LoadKind::rollback);
  for (const uint64_t number : {first, second, third}) EXPECT_EQ(finish().number, number);
  EXPECT_FALSE(reloader().is_busy());
}

TEST_F(ReloaderTest, KnowsTheFilesThatItReads) {
  reloader();
  ASSERT_EQ(reloader().files().size(), 2u);
  EXPECT_EQ(reloader().files()[0].path, config_);
  EXPECT_EQ(reloader().files()[1].path, model_);
  EXPECT_EQ(reloader().files()[1].stamp, stamp_of(model_));
}

TEST_F(ReloaderTest, FilesOfARefusedConfigurationAreWatchedToo) {
  reloader();
  std::ofstream(config_) << "ports: [{name: net_null0, role: lan}, {name: net_null1, role: wan}]\n"
                            "models: [{name: category, path: late.onnx}]\n";
  EXPECT_EQ(run(LoadKind::settings).outcome, ReloadOutcome::refused);
  const auto& files = reloader().files();
  EXPECT_TRUE(std::ranges::find(files, folder_.path() / "late.onnx", &WatchedFile::path) !=
              files.end());
}

TEST_F(ReloaderTest, ARelativeConfigurationIsReadWhereItWasAtTheStart) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  Reloader relative(load_settings("flowmark.yaml"), 1);
  std::filesystem::current_path(before);
  EXPECT_EQ(relative.settings().file, config_);
}

TEST_F(ReloaderTest, ConditionsOnUnknownClassesAreRefused) {
  reloader();
  std::ofstream(config_)
      << "ports: [{name: a, role: lan}, {name: b, role: wan}]\n"
         "models:\n- {name: category, path: m.onnx}\n"
         "- {name: two, path: m.onnx, when: {model: category, classes: [tor]}}\n";
  const ReloadReport report = run(LoadKind::settings);
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_THAT(report.message, HasSubstr("value tor: model category"));
}

TEST_F(ReloaderTest, AnotherConfidenceOfAConditionIsAChange) {
  reloader();
  const auto configure_bound = [this](double bound) {
    std::ofstream(config_) << "ports: [{name: a, role: lan}, {name: b, role: wan}]\n"
                              "models:\n- {name: category, path: m.onnx}\n"
                              "- {name: two, path: m.onnx, when: {model: category, below: "
                           << bound << "}}\n";
  };
  configure_bound(0.75);
  EXPECT_EQ(run(LoadKind::settings).outcome, ReloadOutcome::loaded);
  const auto before = reloader().current();
  EXPECT_EQ(before->models()[1].condition, (VerdictCondition{.below = 0.75F}));
  EXPECT_EQ(run(LoadKind::settings).outcome, ReloadOutcome::unchanged);
  configure_bound(0.5);
  EXPECT_EQ(run(LoadKind::settings).outcome, ReloadOutcome::loaded);
  EXPECT_FALSE(reloader().current()->asks_as(*before)) << "flows are judged anew";
}

TEST_F(ReloaderTest, NamesOfOldGenerationsAreStillKnown) {
  const uint64_t old = reloader().current()->generation();
  testing::write_constant_model(model_, 0, {"chat", "p2p"});
  run(LoadKind::models);
  EXPECT_EQ(reloader().names(old).class_name(0, 0), "voip");
  EXPECT_EQ(reloader().names(old + 1).class_name(0, 1), "p2p");
  EXPECT_EQ(reloader().names(old).class_name(0, kNoClass), "-");
  EXPECT_EQ(reloader().names(99).class_name(0, 0), "?");
}

}  // namespace
}  // namespace flowmark
