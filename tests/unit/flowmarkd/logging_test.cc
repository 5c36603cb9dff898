// Where the log goes: files that are moved away, priorities for the journal.
#include "daemon/flowmarkd/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/on_exit.h"
#include "daemon/flowmarkd/journal.h"
#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LogFileTest : public ::testing::Test {
 protected:
  LogFileTest() { start_logging({LogLevel::info, file_}); }
  ~LogFileTest() override {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("none", std::make_shared<spdlog::sinks::null_sink_mt>()));
  }
  static std::string text_of(const std::filesystem::path& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "log" / "flowmarkd.log",
                        old_ = folder_.path() / "log" / "flowmarkd.log.1";
};

TEST_F(LogFileTest, IsAppendedTo) {
  spdlog::info("one");
  start_logging({LogLevel::info, file_});
  spdlog::info("two");
  EXPECT_THAT(text_of(file_), AllOf(HasSubstr(" info: one\n"), HasSubstr(" info: two\n")));
}

TEST_F(LogFileTest, GoesOnInANewFileWhenAsked) {
  std::filesystem::rename(file_, old_);
  spdlog::info("one");
  reopen_log();
  spdlog::info("two");
  EXPECT_THAT(text_of(old_), AllOf(HasSubstr("one"), Not(HasSubstr("two"))));
  EXPECT_THAT(text_of(file_), AllOf(HasSubstr("two"), Not(HasSubstr("one"))));
}

TEST_F(LogFileTest, GoesOnInANewFileWhenItsOwnWasMovedReplacedOrRemoved) {
  reopen_moved_log();
  EXPECT_EQ(text_of(file_), "") << "it was not";
  std::filesystem::rename(file_, old_);
  reopen_moved_log();
  EXPECT_THAT(text_of(file_), HasSubstr("moved away"));
  std::filesystem::rename(file_, old_);
  std::ofstream(file_) << "made by logrotate\n";
  reopen_moved_log();
  EXPECT_THAT(text_of(file_), AllOf(HasSubstr("made by logrotate"), HasSubstr("moved away")));
  std::filesystem::remove_all(file_.parent_path());
  reopen_moved_log();
  EXPECT_THAT(text_of(file_), HasSubstr("moved away"));
}

TEST_F(LogFileTest, StaysWhereItIsWhenThereIsNoNewOneAndSaysSoOnce) {
  std::filesystem::rename(file_, old_);
  std::filesystem::rename(file_.parent_path(), folder_.path() / "elsewhere");
  std::ofstream(folder_.path() / "log") << "no folder";
  for (int i = 0; i < 3; ++i) reopen_moved_log();
  spdlog::info("one");
  const std::string text = text_of(folder_.path() / "elsewhere" / old_.filename());
  EXPECT_THAT(text, AllOf(HasSubstr("log.file: value "), HasSubstr(" info: one\n")));
  EXPECT_EQ(text.find("log.file"), text.rfind("log.file"));
  std::filesystem::remove(folder_.path() / "log");
  reopen_moved_log();
  EXPECT_THAT(text_of(file_), HasSubstr("moved away"));
}

TEST_F(LogFileTest, TheCheckJudgesAsTheStartDoesAndMakesNothing) {
  const auto told = [](const LogSettings& settings, auto call) -> std::string {
    try {
      call(settings);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const auto fresh = folder_.path() / "new" / "deeper" / "log";
  EXPECT_EQ(told({LogLevel::info, fresh}, check_log_file), "");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "new"));
  EXPECT_EQ(told({LogLevel::info, file_}, check_log_file), "");
  for (const auto& wrong : {folder_.path(), file_ / "log"}) {
    for (const auto& call : {check_log_file, start_logging}) {
      EXPECT_THAT(told({LogLevel::info, wrong}, call),
                  HasSubstr("log.file: value " + wrong.string() + ": "));
    }
  }
}

TEST(Journal, PutsThePriorityBeforeEachLine) {
  EXPECT_EQ(journal_lines(spdlog::level::err, "one"), "<3>one\n");
  EXPECT_EQ(journal_lines(spdlog::level::warn, "one\ntwo"), "<4>one\n<4>two\n");
  EXPECT_EQ(journal_lines(spdlog::level::debug, ""), "<7>\n");
}

TEST(Journal, IsToldFromItsStreamAndNotFromTheVariableAlone) {
  struct stat status {};
  ASSERT_EQ(fstat(STDERR_FILENO, &status), 0);
  const OnExit restore([] { unsetenv("JOURNAL_STREAM"); });
  setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
  EXPECT_TRUE(stderr_is_journal());
  setenv("JOURNAL_STREAM", "1:2", 1);
  EXPECT_FALSE(stderr_is_journal());
}

}  // namespace
}  // namespace flowmark
