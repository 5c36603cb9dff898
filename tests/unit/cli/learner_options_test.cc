#include "cli/learner_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark {
namespace {

using testing::HasSubstr;

/// What becomes of the learners' options on a command line.
class LearnerOptionsOnACommandLine : public testing::Test {
 protected:
  LearnerOptionsOnACommandLine() {
    for (const auto& family : learners_.families()) {
      add_learner_options(command_, *family, &LearnerOption::train_help);
    }
  }
  void parse(const std::string& line) { command_.parse(line); }

  CLI::App command_;
  Learners learners_;
};

TEST_F(LearnerOptionsOnACommandLine, AreSetByTheirNames) {
  parse("--dropout-place unpooled --init glorot --adam-epsilon 1e-7");
  EXPECT_EQ(learners_.get("dropout-place"), "unpooled");
  EXPECT_EQ(learners_.get("init"), "glorot");
  EXPECT_EQ(learners_.get("adam-epsilon"), "1e-07");
  EXPECT_EQ(learners_.get("as-published"), "no");
}

TEST_F(LearnerOptionsOnACommandLine, MustBeAmongTheWords) {
  EXPECT_THROW(parse("--init zeros"), CLI::ValidationError);
  EXPECT_THROW(parse("--dropout-place input"), CLI::ValidationError);
}

TEST_F(LearnerOptionsOnACommandLine, AFlagSetsWhatItImplies) {
  parse("--as-published");
  EXPECT_EQ(learners_.get("as-published"), "yes");
  EXPECT_EQ(learners_.get("dropout-place"), "unpooled");
  EXPECT_EQ(learners_.get("init"), "glorot");
  EXPECT_EQ(learners_.get("adam-epsilon"), "1e-07");
  EXPECT_EQ(learners_.get("epochs"), "40");
  EXPECT_EQ(learners_.get("judge"), "accuracy");
  EXPECT_EQ(learners_.get("patience"), "0");  // which has no option of its own
}

TEST_F(LearnerOptionsOnACommandLine, WhatTheLineNamesStaysWhateverTheOrder) {
  parse("--epochs 7 --as-published --judge loss");
  EXPECT_EQ(learners_.get("epochs"), "7");
  EXPECT_EQ(learners_.get("judge"), "loss");
  EXPECT_EQ(learners_.get("init"), "glorot");
}

TEST_F(LearnerOptionsOnACommandLine, TheHelpNamesThem) {
  const std::string help = command_.help();
  for (const char* words : {"--dropout-place", "{pooled,unpooled}", "--init", "{pytorch,he,glorot}",
                            "--adam-epsilon", "--as-published", "as FlowPic's authors did"}) {
    EXPECT_THAT(help, HasSubstr(words));
  }
}

}  // namespace
}  // namespace flowmark
