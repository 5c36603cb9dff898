#include "daemon/flowmark-exec/exec_handler.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "unit/actuator/lines.h"

namespace flowmark {
namespace {

using Time = StreamHandler::Clock::time_point;
constexpr std::chrono::seconds kSecond{1};

class ExecHandlerTest : public testing::Test {
 protected:
  ExecHandlerTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "flowmark-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    ended_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~ExecHandlerTest() override {
    close(ended_);
    std::filesystem::remove_all(folder_);
  }
  /// A command of the shell, in the test's folder.
  ExecOptions shell(const std::string& script) const {
    ExecOptions options;
    options.command = {"sh", "-c", "cd " + folder_.native() + "; " + script};
    return options;
  }
  std::string tell(ExecHandler& handler, unsigned port) {
    const std::string text = mark_line("10.9.0.1", port, "10.9.0.2", 46);
    handler.take(parse_stream_line(text), text);
    return text + "\n";
  }
  /// Until all commands of the handler have ended, at the time `now`.
  void finish(ExecHandler& handler, Time now) {
    for (handler.work(now); !handler.is_idle(); handler.work(now)) wait_for_child();
  }
  void wait_for_child() {
    pollfd event{ended_, POLLIN, 0};
    ASSERT_EQ(poll(&event, 1, 60'000), 1) << "no command ended";
    signalfd_siginfo info{};
    while (read(ended_, &info, sizeof info) > 0) {
    }
  }
  std::string file(const std::string& name) const {
    std::ifstream in(folder_ / name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  size_t started() const {
    const std::string text = file("started");
    return static_cast<size_t>(std::ranges::count(text, '\n'));
  }

  std::filesystem::path folder_;
  int ended_ = -1;
  uint64_t expected_ = 0;  ///< commands that shall have ended
  ActuatorCounters counters_;
  Messages messages_{"test"};
};

TEST_F(ExecHandlerTest, ACommandGetsTheLineOnItsStandardInput) {
  ExecHandler handler(shell("cat >> out"), 100, counters_, messages_);
  const std::string line = tell(handler, 1);
  finish(handler, Time{});
  EXPECT_EQ(file("out"), line);
  EXPECT_EQ(counters_.set, 1U);
}

TEST_F(ExecHandlerTest, ACommandMayGetSeveralLines) {
  ExecOptions options = shell("echo >> started; cat >> out");
  options.lines = 1000;
  ExecHandler handler(options, 1000, counters_, messages_);
  std::string lines;
  for (unsigned port = 0; port < 1000; ++port) lines += tell(handler, port);
  finish(handler, Time{});
  EXPECT_EQ(file("out"), lines) << "more than a pipe holds";
  EXPECT_EQ(started(), 1U);
}

TEST_F(ExecHandlerTest, NoMoreCommandsStartThanTheRateAllows) {
  ExecOptions options = shell("echo >> started");
  options.rate = 3;
  options.max_children = 100;
  ExecHandler handler(options, 100, counters_, messages_);
  for (unsigned port = 0; port < 20; ++port) tell(handler, port);
  const Time begin = Time{} + std::chrono::hours(1);
  handler.work(begin);
  const auto count = [&](Time now) {
    while (counters_.set + counters_.failed < expected_) {
      wait_for_child();
      handler.work(now);
    }
    return started();
  };
  expected_ = 3;
  EXPECT_EQ(count(begin), 3U) << "a second's worth at once";
  handler.work(begin + std::chrono::milliseconds(300));
  EXPECT_EQ(count(begin), 3U);
  EXPECT_LE(handler.next_work() - begin, std::chrono::milliseconds(334));
  handler.work(begin + kSecond);
  expected_ = 6;
  EXPECT_EQ(count(begin + kSecond), 6U);
  handler.work(begin + kSecond);
  EXPECT_EQ(count(begin + kSecond), 6U);
}

TEST_F(ExecHandlerTest, NoMoreCommandsRunThanAllowed) {
  const std::filesystem::path gate = folder_ / "gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  const int open_gate = open(gate.c_str(), O_RDWR | O_CLOEXEC);
  ExecOptions options = shell("read line < gate; echo >> started");
  options.rate = 1000;
  options.max_children = 2;
  ExecHandler handler(options, 100, counters_, messages_);
  for (unsigned port = 0; port < 3; ++port) tell(handler, port);
  handler.work(Time{});
  handler.work(Time{} + kSecond);
  EXPECT_EQ(handler.next_work(), Time{} + std::chrono::seconds(10)) << "the first one's timeout";
  ASSERT_EQ(write(open_gate, "\n\n\n", 3), 3);  // a line for each
  finish(handler, Time{} + kSecond);
  close(open_gate);
  EXPECT_EQ(started(), 3U);
}

TEST_F(ExecHandlerTest, ACommandThatTakesTooLongIsKilledWithWhatItStarted) {
  ExecOptions options = shell("sleep 3600 & sleep 3600; echo >> started");
  options.timeout_s = 2;
  ExecHandler handler(options, 100, counters_, messages_);
  tell(handler, 1);
  handler.work(Time{});
  EXPECT_EQ(handler.next_work(), Time{} + 2 * kSecond);
  handler.work(Time{} + kSecond);
  EXPECT_EQ(counters_.failed, 0U);
  finish(handler, Time{} + 2 * kSecond);
  EXPECT_EQ(counters_.failed, 1U);
  EXPECT_EQ(started(), 0U);
}

TEST_F(ExecHandlerTest, FailuresAreCounted) {
  ExecHandler fails(shell("exit 3"), 100, counters_, messages_);
  tell(fails, 1);
  finish(fails, Time{});
  ExecOptions absent;
  absent.command = {"/nonexistent/hook"};
  ExecHandler missing(absent, 100, counters_, messages_);
  tell(missing, 1);
  finish(missing, Time{});
  EXPECT_EQ(counters_.failed, 2U);
  EXPECT_EQ(counters_.set, 0U);
}

}  // namespace
}  // namespace flowmark
